/** What stands in an outbox, page by page. */
import {
  decode,
  type MessageStatement,
  messageStatement,
  type Outcome,
  type OutcomeName,
  outcomeName,
  type ReceiptStatement,
  receiptStatement,
  type SignedStatement,
} from '@countersign/core/protocol'
import type { EnvelopeRow, ReceiptRow } from './outbox-rows.ts'
import type { OutboxTables } from './outbox-tables.ts'
import { headOf, type Item, splitItems, StoredContent } from './stored-message.ts'
import type { Remote } from './tables.ts'

/** A receipt that was verified and kept, and what it is for. */
export interface KeptReceipt {
  /** Counts the receipts of the outbox, from 1. */
  readonly id: number
  readonly message: SignedStatement
  readonly messageStatement: MessageStatement
  readonly receipt: SignedStatement
  readonly receiptStatement: ReceiptStatement
  /** Its messages' serials are this and those that follow. */
  readonly serial: number
  /** The messages' items; undefined where they are no longer held. */
  readonly items: readonly Item[] | undefined
}

/** A message of the outbox. */
export interface OutboxMessage {
  /** Counts the messages of the outbox, from 1. */
  readonly serial: number
  /** Its number at its receiver. */
  readonly number: number
  /** keyId of the oldest key of the receiver's chain. */
  readonly receiver: Uint8Array
  readonly queuedAt: Date
  /** What its last receipt says; undefined where none has come yet. */
  readonly outcome: OutcomeName | undefined
  /** Whether an operator has dropped it. */
  readonly dropped: boolean
  readonly message: SignedStatement
  /** Its item; undefined where its body is no longer held. */
  readonly item: Item | undefined
  /**
   * Its attributes and body; undefined where the body is no longer held.
   *
   * @throws LocalError STORAGE
   */
  content(): Promise<StoredContent | undefined>
  /** All receipts of its envelope: several where the receiver was restored from a backup. */
  receipts(): Promise<KeptReceipt[]>
}

export class OutboxReader {
  readonly #tables: Remote<OutboxTables>
  readonly #pathOf: (file: string) => string

  constructor(tables: Remote<OutboxTables>, pathOf: (file: string) => string) {
    this.#tables = tables
    this.#pathOf = pathOf
  }

  async *messages(): AsyncGenerator<OutboxMessage> {
    for (let after = 0; ;) {
      const rows = await this.#tables.envelopes(after)
      if (rows.length === 0) return
      for (const row of rows) yield* await this.#messagesOf(row)
      after = rows.at(-1)!.id
    }
  }

  async message(serial: number): Promise<OutboxMessage | undefined> {
    for (const row of (await this.#tables.covering(serial)).toReversed()) {
      const found = (await this.#messagesOf(row)).find((message) => message.serial === serial)
      if (found !== undefined) return found
    }
    return undefined
  }

  async *receipts(after = 0): AsyncGenerator<KeptReceipt> {
    for (let at = after; ;) {
      const rows = await this.#tables.receipts(at)
      if (rows.length === 0) return
      for (const row of rows) yield this.#receipt(row, await this.#tables.envelope(row.envelope))
      at = rows.at(-1)!.id
    }
  }

  async #messagesOf(row: EnvelopeRow): Promise<OutboxMessage[]> {
    const dropped = row.withdrawn === 1 ? await this.#tables.droppedOf(row.id) : []
    const items = splitItems(row, this.#pathOf)
    const messages = Array.from({ length: row.count }, (_, position) => {
      return this.#message(row, position, items?.[position], dropped.includes(position))
    })
    // What was signed anew stands in a newer envelope.
    return row.moved === 1 ? messages.filter((message) => message.dropped) : messages
  }

  #message(row: EnvelopeRow, position: number, item: Item | undefined, dropped: boolean): OutboxMessage {
    const { id, serial, first, receiver, queued_at: queuedAt, outcome, statement, signature } = row
    return {
      serial: serial + position,
      number: first + position,
      receiver,
      queuedAt: new Date(queuedAt),
      outcome: outcome === null || outcome === 0 ? undefined : outcomeName(outcome as Outcome),
      dropped,
      message: { statement, signature },
      item,
      content: async () => item && new StoredContent(item, await headOf(item)),
      receipts: async () => (await this.#tables.receiptsOf(id)).map((receipt) => this.#receipt(receipt, row)),
    }
  }

  #receipt({ id, statement, signature }: ReceiptRow, row: EnvelopeRow): KeptReceipt {
    return {
      id,
      message: { statement: row.statement, signature: row.signature },
      messageStatement: decode(messageStatement, row.statement),
      receipt: { statement, signature },
      receiptStatement: decode(receiptStatement, statement),
      serial: row.serial,
      items: splitItems(row, this.#pathOf),
    }
  }
}
