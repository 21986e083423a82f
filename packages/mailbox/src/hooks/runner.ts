/** Runs a hook for every stored message: in order for each sender, for several senders at once, again where it fails. */
import type { Output } from '@countersign/keyexchange/cli'
import type { Hook, Post } from './hook.ts'
import { Lease, type LeaseTimes } from './lease.ts'
import type { HookLedger } from './ledger.ts'
import { Shift } from './shift.ts'

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
  /** When it is taken from a process that is not heard of */
  readonly lease?: LeaseTimes
}

export class HookRunner {
  readonly #options: RunnerOptions
  readonly #stopping = new AbortController()

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  /**
   * Hands messages on until `stop`, while no other process over the same journal does; resolves when nothing is being handed
   * on any more.
   *
   * @throws what kept it from reading the journal or writing its progress
   */
  async run(): Promise<void> {
    const { hook, ledger, output, lease: times } = this.#options
    const { signal } = this.#stopping
    for (;;) {
      let waited = false
      const wait = (): void => {
        waited = true
        output.note(`${hook.name}: another process over this journal runs it; this one stands by`)
      }
      using lease = await Lease.take(ledger, hook.name, signal, wait, times)
      if (lease === undefined) return
      if (waited) output.note(`${hook.name}: this process runs it from now on`)
      await new Shift(this.#options, lease).work(signal)
      if (!lease.lost.aborted) return
    }
  }

  /** Begins nothing more. */
  stop(): void {
    this.#stopping.abort()
  }
}
