/** Runs a hook for every stored message: in order for each sender, for several senders at once, again where it fails. */
import type { Message } from '@countersign/core'
import { type Output, printable } from '@countersign/keyexchange/cli'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hook } from './hook.ts'
import type { HookLedger } from './ledger.ts'

/** A stored message, and where it stands in the order in which messages were stored. */
export interface Stored {
  readonly seq: number
  readonly id: string
  readonly message: Message
}

/** The stored messages, as a hook reads them. */
export interface Feed {
  /** Every sender that has stored messages. */
  senders(): Promise<readonly string[]>
  /** The first stored message of a sender behind this number. */
  next(sender: string, after: number): Promise<Stored | undefined>
}

export interface RunnerOptions {
  readonly hook: Hook
  readonly feed: Feed
  readonly ledger: HookLedger
  readonly output: Output
  /** Messages handed on at a time, each of another sender */
  readonly concurrency: number
  /** How often a message is tried before it is set aside */
  readonly attempts: number
  /** How long one try may take; ms */
  readonly timeout: number
  /** How long to wait after the first failure, doubled after each further one; ms */
  readonly patience: number
}

export class HookRunner {
  readonly #options: RunnerOptions
  readonly #stopping = new AbortController()
  /** What goes on for each sender, and whether more came meanwhile. */
  readonly #lanes = new Map<string, Promise<void>>()
  readonly #woken = new Set<string>()
  #free: number
  readonly #queue: (() => void)[] = []

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#free = options.concurrency
  }

  /** Takes up what was stored while no server ran. */
  async start(): Promise<void> {
    for (const sender of await this.#options.feed.senders()) this.wake(sender)
  }

  /** A message of this sender may have been stored. */
  wake(sender: string): void {
    this.#woken.add(sender)
    if (this.#lanes.has(sender) || this.#stopping.signal.aborted) return
    const lane = this.#drain(sender)
      .catch((error: unknown) => this.#note(`stopped for one sender until the next message: ${String(error)}`))
      .finally(() => {
        this.#lanes.delete(sender)
        if (this.#woken.has(sender)) this.wake(sender)
      })
    this.#lanes.set(sender, lane)
  }

  /** Begins nothing more, and waits for what is being handed on. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    for (const resolve of this.#queue.splice(0)) resolve()
    await Promise.all(this.#lanes.values())
  }

  async #drain(sender: string): Promise<void> {
    const { hook, feed, ledger } = this.#options
    while (!this.#stopping.signal.aborted) {
      this.#woken.delete(sender)
      const stored = await feed.next(sender, ledger.cursor(hook.name, sender))
      if (stored === undefined) return
      await this.#turn()
      try {
        if (!(await this.#handOn(stored))) return
      } finally {
        this.#free += 1
        this.#queue.shift()?.()
      }
      ledger.advance(hook.name, sender, stored.seq)
    }
  }

  async #turn(): Promise<void> {
    while (this.#free === 0) await new Promise<void>((resolve) => this.#queue.push(resolve))
    this.#free -= 1
  }

  /** False where the server stops before it worked: it is tried again when one runs next. */
  async #handOn({ id, message }: Stored): Promise<boolean> {
    const { hook, ledger, attempts, timeout, patience } = this.#options
    for (let attempt = 1; ; attempt++) {
      if (this.#stopping.signal.aborted) return false
      try {
        await hook.deliver(message, id, AbortSignal.timeout(timeout))
        return true
      } catch (error) {
        const why = reasonOf(error)
        this.#note(`try ${attempt} of ${attempts} for ${id}: ${why}`)
        if (attempt === attempts) {
          ledger.setAside(hook.name, id, { attempts, why, at: Date.now() })
          this.#note(`${id} was set aside: see countersign-server hooks list`)
          return true
        }
      }
      await sleep(patience * 2 ** (attempt - 1), undefined, { signal: this.#stopping.signal }).catch(() => {})
    }
  }

  #note(text: string): void {
    const { hook, output } = this.#options
    output.note(`${hook.name}: ${printable(text)}`)
  }
}

/** What went wrong, with what lies behind it: fetch alone says no more than that it failed. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
