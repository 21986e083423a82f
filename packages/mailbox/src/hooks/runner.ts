/** Runs a hook for every stored message: in order for each sender, for several senders at once, again where it fails. */
import { type Output, printable } from '@countersign/keyexchange/cli'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Hook, Post } from './hook.ts'
import type { HookLedger } from './ledger.ts'

/** The journal, as a hook reads it. */
export interface Feed {
  /** The messages behind this one, and then those that come, by their ids and senders. */
  follow(after: number, signal: AbortSignal): AsyncIterable<{ readonly id: number; readonly sender: string }>
  /** A message with its body; undefined where that was pruned. */
  post(id: number): Promise<Post | undefined>
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
  /** The ids that wait, sender by sender; the first of each is being handed on. */
  readonly #lanes = new Map<string, number[]>()
  readonly #draining = new Set<Promise<void>>()
  readonly #queue: (() => void)[] = []
  #free: number
  #read = 0
  #failure: unknown

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#free = options.concurrency
  }

  /**
   * Hands messages on until `stop`; resolves when nothing is being handed on any more.
   *
   * @throws what kept it from reading the journal or writing its progress
   */
  async run(): Promise<void> {
    const { hook, feed, ledger } = this.#options
    this.#read = ledger.mark(hook.name)
    for await (const { id, sender } of feed.follow(this.#read, this.#stopping.signal)) {
      this.#read = id
      if (id > ledger.cursor(hook.name, sender)) this.#add(sender, id)
    }
    await Promise.all(this.#draining)
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Begins nothing more. */
  stop(): void {
    this.#stopping.abort()
    for (const resolve of this.#queue.splice(0)) resolve()
  }

  #add(sender: string, id: number): void {
    const lane = this.#lanes.get(sender)
    if (lane !== undefined) return void lane.push(id)
    const ids = [id]
    this.#lanes.set(sender, ids)
    const draining = this.#drain(sender, ids)
      .catch((error: unknown) => {
        this.#failure ??= error
        this.stop()
      })
      .finally(() => this.#draining.delete(draining))
    this.#draining.add(draining)
  }

  async #drain(sender: string, ids: number[]): Promise<void> {
    const { hook, ledger } = this.#options
    for (let id = ids[0]; id !== undefined; id = ids[0]) {
      await this.#turn()
      try {
        if (!(await this.#handOn(id))) return
      } finally {
        this.#free += 1
        this.#queue.shift()?.()
      }
      ids.shift()
      ledger.advance(hook.name, sender, id, this.#done())
    }
    this.#lanes.delete(sender)
  }

  /** All messages up to this one are dealt with. */
  #done(): number {
    let done = this.#read
    for (const [first = Infinity] of this.#lanes.values()) done = Math.min(done, first - 1)
    return done
  }

  async #turn(): Promise<void> {
    while (this.#free === 0 && !this.#stopping.signal.aborted) await new Promise<void>((resolve) => this.#queue.push(resolve))
    this.#free -= 1
  }

  /** False where the server stops before it worked: it is tried again when one runs next. */
  async #handOn(id: number): Promise<boolean> {
    const { hook, feed, ledger, attempts, timeout, patience } = this.#options
    const { signal } = this.#stopping
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        const post = await feed.post(id)
        if (post !== undefined) await hook.deliver(post, AbortSignal.timeout(timeout))
        return true
      } catch (error) {
        const why = reasonOf(error)
        this.#note(`message ${id}, try ${attempt} of ${attempts}: ${why}`)
        if (attempt >= attempts) {
          ledger.setAside({ hook: hook.name, id, attempts, why, at: Date.now() })
          this.#note(`message ${id} was set aside: see hooks list`)
          return true
        }
      }
      await sleep(patience * 2 ** (attempt - 1), undefined, { signal }).catch(() => {})
    }
    return false
  }

  #note(text: string): void {
    const { hook, output } = this.#options
    output.note(`${hook.name}: ${printable(text)}`)
  }
}

/** What went wrong, with what lies behind it: fetch alone says no more than that it failed. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
