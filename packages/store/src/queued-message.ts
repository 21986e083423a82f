/** What a caller holds of a message that is in the outbox. */
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
