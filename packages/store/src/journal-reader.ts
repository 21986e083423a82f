/** What stands in a journal, page by page. */
import { decode, messageStatement, receiptStatement } from '@countersign/core/protocol'
import { join } from 'node:path'
import type { EntryRow } from './journal-rows.ts'
import type { JournalTables } from './journal-tables.ts'
import { splitItems, type StoredEntry, StoredMessage } from './stored-message.ts'
import type { Remote } from './tables.ts'
import { waitFor } from './wait.ts'

/** From where a journal is read, and for how long. */
export interface ReadOptions {
  /** Begins behind this serial (of messages) or id (of entries); 0, the start, where it is not said. */
  readonly after?: number
  /** Waits for what comes next, rather than end. */
  readonly follow?: boolean
  /** Ends a reader that waits. */
  readonly signal?: AbortSignal
}

/** How often another process's entries are looked for, in ms. */
const POLL = 250

export class JournalReader {
  readonly #folder: string
  readonly #tables: Remote<JournalTables>
  readonly #closed = new AbortController()
  #news = Promise.withResolvers<void>()

  constructor(folder: string, tables: Remote<JournalTables>) {
    this.#folder = folder
    this.#tables = tables
  }

  /** Where the file of a long item stands. */
  readonly pathOf = (file: string): string => join(this.#folder, `${file}.item`)

  /** Something was appended. */
  wake(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }

  /** Readers that wait end. */
  close(): void {
    this.#closed.abort()
    this.wake()
  }

  /** The rows of the table, as they are. */
  rows(options: ReadOptions = {}): AsyncGenerator<EntryRow> {
    return this.#pages(
      options,
      (after) => this.#tables.entries(after),
      (row) => row.id,
    )
  }

  async *entries(options?: ReadOptions): AsyncGenerator<StoredEntry> {
    for await (const row of this.rows(options)) yield this.#entry(row)
  }

  async *messages(options: ReadOptions = {}): AsyncGenerator<StoredMessage> {
    const pages = this.#pages(
      options,
      (after) => this.#tables.messages(after),
      (row) => row.serial + row.messages - 1,
    )
    const { after = 0 } = options
    for await (const row of pages) {
      const entry = this.#entry(row)
      for (let i = Math.max(0, after + 1 - row.serial); i < row.messages; i++) yield new StoredMessage(entry, i, this)
    }
  }

  async message(serial: number): Promise<StoredMessage | undefined> {
    const [row] = await this.#tables.messages(serial - 1)
    if (row === undefined || row.serial > serial) return undefined
    return new StoredMessage(this.#entry(row), serial - row.serial, this)
  }

  async *#pages(
    { after = 0, follow = false, signal }: ReadOptions,
    read: (after: number) => Promise<EntryRow[]>,
    lastOf: (row: EntryRow) => number,
  ): AsyncGenerator<EntryRow> {
    for (let at = after; ;) {
      if (this.#closed.signal.aborted || signal?.aborted) return
      const news = this.#news.promise
      const rows = await read(at)
      yield* rows
      if (rows.length > 0) at = lastOf(rows.at(-1)!)
      else if (!follow) return
      else await waitFor(news, POLL, signal)
    }
  }

  #entry(row: EntryRow): StoredEntry {
    const { id, serial, messages, length } = row
    const message = { statement: row.statement, signature: row.signature }
    const receipt = { statement: row.receipt, signature: row.receipt_signature }
    return {
      id,
      serial,
      messages,
      message,
      messageStatement: decode(messageStatement, message.statement),
      receipt,
      receiptStatement: decode(receiptStatement, receipt.statement),
      length,
      items: messages === 0 ? [] : splitItems(row, this.pathOf),
    }
  }
}
