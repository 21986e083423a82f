/** What the two programs have in common: orders come as JSON, what happens goes out as lines of JSON. */
import { type Identity, identity, readPrivateKey } from '@countersign/core'
import { readFileSync, writeSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { createInterface } from 'node:readline'
import type { ReceiptSeen } from '../checker/history.ts'

/** Where a program dies, as if its machine had decided so. */
export interface Death {
  readonly point: string
  /** At which time of coming there, from 1. */
  readonly time: number
  /** Whether it ends itself, or only stops there for whoever watches. */
  readonly act: 'kill' | 'stop'
}

/** What a program reports. */
export type Report =
  | { readonly event: 'listening'; readonly port: number }
  | { readonly event: 'ready' }
  | { readonly event: 'session' }
  | { readonly event: 'over'; readonly code: string | null }
  | { readonly event: 'point'; readonly point: string }
  | { readonly event: 'offer'; readonly label: string }
  | { readonly event: 'enqueued'; readonly label: string; readonly serial: number; readonly number: number }
  | ({ readonly event: 'receipt' } & ReceiptSeen)
  | { readonly event: 'settled'; readonly first: number; readonly count: number }
  | { readonly event: 'failed'; readonly label: string; readonly code: string }
  | {
      readonly event: 'notice'
      readonly code: string
      readonly resent: Counted[]
      readonly resigned: Counted[]
      readonly lost: Counted[]
    }
  | { readonly event: 'drained' }
  | { readonly event: 'ended' }

export interface Counted {
  readonly serial: number
  readonly count: number
}

/** The orders that the program was started with. */
export function ordersOf(): unknown {
  // Who is killed leaves nothing for the next start to be quicker by.
  flushCompileCache()
  return JSON.parse(process.argv[2]!)
}

/** Returns once the line has left the process: what was told survives its death. */
export function tell(report: Report): void {
  writeSync(1, `${JSON.stringify(report)}\n`)
}

export function identityIn(file: string): Identity {
  return identity(readPrivateKey(readFileSync(file, 'utf8')))
}

/** Lines of standard input. */
export async function* commands<T>(): AsyncGenerator<T> {
  for await (const line of createInterface({ input: process.stdin })) yield JSON.parse(line) as T
}

export class Points {
  readonly #death: Death | undefined
  #times = 0

  constructor(death: Death | undefined) {
    this.#death = death
  }

  /** The program has come to a point: where it is to die there, this never returns. */
  async reach(point: string): Promise<void> {
    if (this.#death?.point !== point) return
    this.#times += 1
    if (this.#times !== this.#death.time) return
    tell({ event: 'point', point })
    if (this.#death.act === 'kill') process.kill(process.pid, 'SIGKILL')
    await new Promise<never>(() => {})
  }
}
