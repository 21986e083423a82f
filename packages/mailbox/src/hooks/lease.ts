/** The right to run a hook: several processes may have one journal open, and one of them at a time runs each hook. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type HookLedger, type LeaseMark, passes } from './ledger.ts'

/** How a lease is kept, and how long it outlives whoever had it; ms */
export interface LeaseTimes {
  readonly beat: number
  readonly patience: number
}

/** Of a process that has not been heard of for so long nobody knows whether it lives. */
const TIMES: LeaseTimes = { beat: 1000, patience: 5000 }

/**
 * Kept by a mark that changes at every beat. Whoever waits for it measures by its own clock how long the mark stays the
 * same, so that neither clocks that differ nor one that is set count.
 */
export class Lease implements Disposable {
  readonly holder: string = randomUUID()
  readonly #ledger: HookLedger
  readonly #hook: string
  readonly #lost = new AbortController()
  #beating: NodeJS.Timeout | undefined

  private constructor(ledger: HookLedger, hook: string) {
    this.#ledger = ledger
    this.#hook = hook
  }

  /**
   * Waits for it.
   *
   * @param onWait told once, where another process has it
   * @returns undefined where the signal was aborted before
   */
  static async take(
    ledger: HookLedger,
    hook: string,
    signal: AbortSignal,
    onWait: () => void,
    { beat, patience }: LeaseTimes = TIMES,
  ): Promise<Lease | undefined> {
    const lease = new Lease(ledger, hook)
    let seen: LeaseMark | undefined
    for (let since = performance.now(); !signal.aborted;) {
      const stale = performance.now() - since >= patience ? seen : undefined
      if (lease.#claim(stale)) return lease.#begin(beat)
      const found = ledger.lease(hook)
      if (found?.holder !== seen?.holder || found?.beat !== seen?.beat) {
        if (seen === undefined) onWait()
        seen = found
        since = performance.now()
      }
      await sleep(beat, undefined, { signal }).catch(() => {})
    }
    return undefined
  }

  #claim(stale: LeaseMark | undefined): boolean {
    try {
      return this.#ledger.claim(this.#hook, this.holder, stale)
    } catch (error) {
      if (passes(error)) return false
      throw error
    }
  }

  #begin(beat: number): this {
    this.#beating = setInterval(() => this.#beat(), beat)
    this.#beating.unref()
    return this
  }

  #beat(): void {
    try {
      this.renew()
    } catch {
      // A ledger that cannot be written is told of by whoever writes progress to it.
    }
  }

  /** Aborted once another process has it. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Says that this process lives. @returns false where that came too late */
  renew(): boolean {
    if (!this.#lost.signal.aborted && !this.#ledger.renew(this.#hook, this.holder)) this.#lost.abort()
    return !this.#lost.signal.aborted
  }

  /** Another process may have it at once. */
  [Symbol.dispose](): void {
    clearInterval(this.#beating)
    try {
      this.#ledger.release(this.#hook, this.holder)
    } catch {
      // They wait until it is stale.
    }
  }
}
