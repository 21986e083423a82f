/** Receipts that another process of the same home has fetched: they are read in the outbox. */
import type { Receipt } from '@countersign/core'
import { claimedDate, outcomeError } from '@countersign/core/protocol'
import type { OutboxMessage, StoredOutbox } from '@countersign/store'

interface Waiting {
  readonly serial: number
  resolve(receipt: Receipt): void
  reject(error: Error): void
}

export class Elsewhere {
  readonly #outbox: StoredOutbox
  #waiting: Waiting[] = []
  #over = false

  constructor(outbox: StoredOutbox) {
    this.#outbox = outbox
  }

  /** The receipt of a message, where another process fetches it; else it never resolves. Called in the order of the serials. */
  receipt(serial: number): Promise<Receipt> {
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>()
    // Whoever waits may have got its answer from another side.
    promise.catch(() => {})
    if (!this.#over) this.#waiting.push({ serial, resolve, reject })
    return promise
  }

  /** Looks for receipts that have come; they come in the order of the messages. @returns whether there were any */
  async look(): Promise<boolean> {
    const before = this.#waiting.length
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const message = await this.#outbox.message(first.serial)
      if (message?.outcome === undefined) break
      const receipt = await receiptOf(message)
      const error = outcomeError(receipt)
      if (error === undefined) first.resolve(receipt)
      else first.reject(error)
      this.#waiting.shift()
    }
    return this.#waiting.length < before
  }

  /** No other process sends any more. */
  end(): void {
    this.#over = true
    this.#waiting = []
  }
}

/** The last receipt of a message that has one. */
export async function receiptOf(message: OutboxMessage): Promise<Receipt> {
  const { receipt, receiptStatement: statement, message: sent } = (await message.receipts()).at(-1)!
  return {
    outcome: message.outcome!,
    number: message.number,
    receivedAt: claimedDate(statement.receivedAt),
    statement,
    receipt,
    message: sent,
  }
}
