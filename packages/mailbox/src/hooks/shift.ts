/** What a process does while it is the one that runs a hook. */
import { printable } from '@countersign/keyexchange/cli'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lease } from './lease.ts'
import { passes, type SetAside } from './ledger.ts'
import type { RunnerOptions } from './runner.ts'

/** How a message was dealt with: handed on, or set aside. */
type Dealt = 'handed on' | Pick<SetAside, 'attempts' | 'why' | 'at'>

export class Shift {
  readonly #options: RunnerOptions
  readonly #lease: Lease
  readonly #ending = new AbortController()
  /** The ids that wait, sender by sender; the first of each is being handed on. */
  readonly #lanes = new Map<string, number[]>()
  readonly #draining = new Set<Promise<void>>()
  readonly #queue: (() => void)[] = []
  #free: number
  #read = 0
  #failure: unknown

  constructor(options: RunnerOptions, lease: Lease) {
    this.#options = options
    this.#lease = lease
    this.#free = options.concurrency
  }

  /**
   * Hands messages on until `stopping` is aborted, or another process does; resolves when nothing is being handed on any more.
   *
   * @throws what kept it from reading the journal or writing its progress
   */
  async work(stopping: AbortSignal): Promise<void> {
    const { hook, feed, ledger } = this.#options
    const end = AbortSignal.any([stopping, this.#lease.lost])
    end.addEventListener('abort', () => this.#end(), { once: true })
    if (end.aborted) this.#end()
    this.#read = ledger.mark(hook.name)
    for await (const { id, sender } of feed.follow(this.#read, this.#ending.signal)) {
      this.#read = id
      if (id > ledger.cursor(hook.name, sender)) this.#add(sender, id)
    }
    await Promise.all(this.#draining)
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Begins nothing more. */
  #end(): void {
    this.#ending.abort()
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
        this.#end()
      })
      .finally(() => this.#draining.delete(draining))
    this.#draining.add(draining)
  }

  async #drain(sender: string, ids: number[]): Promise<void> {
    for (let id = ids[0]; id !== undefined; id = ids[0]) {
      const dealt = await this.#handOn(id)
      if (dealt === undefined) return
      if (!(await this.#advance(sender, id, dealt, ids))) return
      ids.shift()
    }
    this.#lanes.delete(sender)
  }

  /** False where another process runs the hook by now, or this ends before it could be written. */
  async #advance(sender: string, id: number, dealt: Dealt, lane: readonly number[]): Promise<boolean> {
    const { hook, ledger } = this.#options
    const progress = { hook: hook.name, holder: this.#lease.holder, sender, id }
    const aside = dealt === 'handed on' ? undefined : dealt
    const written = await this.#once(
      () => ledger.advance({ ...progress, mark: this.#doneWith(lane) }, aside) || this.#lease.renew(),
    )
    if (written !== true) return false
    if (aside) this.#note(`message ${id} was set aside: see hooks list`)
    return true
  }

  /** What a full disk keeps from being written is written once there is room; undefined where this ends before. */
  async #once<T>(write: () => T): Promise<T | undefined> {
    const { signal } = this.#ending
    for (let told = false; ; told = true) {
      try {
        return write()
      } catch (error) {
        if (!passes(error)) throw error
        if (!told) this.#note(`how far it came cannot be written now: ${reasonOf(error)}`)
      }
      if (signal.aborted) return undefined
      await sleep(this.#options.patience, undefined, { signal }).catch(() => {})
    }
  }

  /** All messages up to this one are dealt with, once the first of this lane is. */
  #doneWith(lane: readonly number[]): number {
    let done = this.#read
    for (const ids of this.#lanes.values()) done = Math.min(done, (ids[ids === lane ? 1 : 0] ?? Infinity) - 1)
    return done
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    while (this.#free === 0 && !this.#ending.signal.aborted) await new Promise<void>((resolve) => this.#queue.push(resolve))
    this.#free -= 1
    try {
      return await work()
    } finally {
      this.#free += 1
      this.#queue.shift()?.()
    }
  }

  /** Undefined where this ends before it worked: it is tried again by whoever runs the hook next. */
  async #handOn(id: number): Promise<Dealt | undefined> {
    const { attempts, patience } = this.#options
    const { signal } = this.#ending
    for (let attempt = 1; ; attempt++) {
      const tried = await this.#inTurn(() => this.#try(id))
      if (tried === undefined || tried === 'handed on') return tried
      const { why } = tried
      this.#note(`message ${id}, try ${attempt} of ${attempts}: ${why}`)
      if (attempt >= attempts) return { attempts, why, at: Date.now() }
      // Meanwhile others have their turn: what fails would keep them waiting for as long as it is tried.
      await sleep(patience * 2 ** (attempt - 1), undefined, { signal }).catch(() => {})
    }
  }

  /** Undefined where this ends before it is known whether it worked. */
  async #try(id: number): Promise<'handed on' | Pick<SetAside, 'why'> | undefined> {
    const { hook, feed, timeout } = this.#options
    // A process that was paused learns here that another one has gone on.
    if (this.#ending.signal.aborted || (await this.#once(() => this.#lease.renew())) !== true) return undefined
    try {
      const post = await feed.post(id)
      if (post !== undefined) await hook.deliver(post, AbortSignal.any([AbortSignal.timeout(timeout), this.#lease.lost]))
      return 'handed on'
    } catch (error) {
      // What the other process does now is not this one's to judge.
      return this.#lease.lost.aborted ? undefined : { why: reasonOf(error) }
    }
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
