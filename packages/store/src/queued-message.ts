/** What callers hold of messages that are in the outbox. */
import type { Receipt } from '@countersign/core'
import type { Queued } from './enqueuer.ts'

/** A message that waits for its receipt, or has it. */
export class QueuedMessage implements Queued {
  readonly serial: number
  readonly number: number
  #outcome: Receipt | Error | undefined
  #receipt: Promise<Receipt> | undefined
  #resolve: ((outcome: Receipt | Promise<never>) => void) | undefined

  constructor(serial: number, number: number) {
    this.serial = serial
    this.number = number
  }

  /** Made for who asks: many only want to know that the message is in the outbox. */
  get receipt(): Promise<Receipt> {
    if (this.#receipt === undefined) {
      this.#receipt = new Promise((resolve) => (this.#resolve = resolve))
      if (this.#outcome !== undefined) this.tell(this.#outcome)
    }
    return this.#receipt
  }

  tell(outcome: Receipt | Error): void {
    this.#outcome = outcome
    if (!(outcome instanceof Error)) return this.#resolve?.(outcome)
    // Who does not wait for it reads it in the outbox.
    this.#receipt?.catch(() => {})
    this.#resolve?.(Promise.reject(outcome))
  }
}

/** The messages that wait for their receipts, those of an envelope together: each by itself would cost as much as its hash. */
export class QueuedMessages {
  /** By the serial of their first one. */
  readonly #runs = new Map<number, readonly QueuedMessage[]>()
  /** The serial of the first message ever added: what stood in the outbox before has a lower one. */
  #lowest = Infinity

  /** Messages of one envelope, from this serial and this number on. */
  add(serial: number, number: number, count: number): readonly QueuedMessage[] {
    const run = Array.from({ length: count }, (_, i) => new QueuedMessage(serial + i, number + i))
    this.#runs.set(serial, run)
    this.#lowest = Math.min(this.#lowest, serial)
    return run
  }

  /** Those of an envelope, or of a part of it, which wait no longer; none where another process queued them, or this one's predecessor. */
  take(serial: number, count: number): readonly QueuedMessage[] {
    if (serial < this.#lowest) return []
    for (const [first, run] of this.#holding(serial)) {
      const at = serial - first
      if (at < 0 || at >= run.length) continue
      this.#runs.delete(first)
      if (at === 0 && count === run.length) return run
      if (at > 0) this.#runs.set(first, run.slice(0, at))
      if (at + count < run.length) this.#runs.set(serial + count, run.slice(at + count))
      return run.slice(at, at + count)
    }
    return []
  }

  /** Mostly it is the first of a run; not where an envelope was signed anew in parts. */
  #holding(serial: number): Iterable<[number, readonly QueuedMessage[]]> {
    const run = this.#runs.get(serial)
    return run === undefined ? this.#runs : [[serial, run]]
  }

  /** All of them, which wait no longer. */
  takeAll(): readonly QueuedMessage[] {
    const all = [...this.#runs.values()].flat()
    this.#runs.clear()
    return all
  }
}
