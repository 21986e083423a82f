/** Messages and items as they are kept. */
import { LocalError } from '@countersign/core'
import {
  type Attributes,
  claimedDate,
  concat,
  fromUtf8,
  type ItemParts,
  type MessageStatement,
  readItemHead,
  type ReceiptStatement,
  type SignedStatement,
  view,
} from '@countersign/core/protocol'
import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** An item, in memory or in a file. */
export interface Item {
  readonly length: number
  readonly at: Uint8Array | { readonly path: string }
}

/** The columns that say where items are. */
export interface HeldItems {
  readonly length: number
  readonly lengths: Uint8Array | null
  readonly items: Uint8Array | null
  readonly file: string | null
}

/** The items of an envelope; undefined where none is held. */
export function splitItems({ length, lengths, items, file }: HeldItems, pathOf: (file: string) => string): Item[] | undefined {
  if (file !== null) return [{ length, at: { path: pathOf(file) } }]
  if (items === null) return undefined
  if (lengths === null) return [{ length, at: items }]
  let at = 0
  return readLengths({ length, lengths }).map((own) => ({ length: own, at: items.subarray(at, (at += own)) }))
}

/** The lengths of an envelope's items, in bytes. */
export function readLengths({ length, lengths }: Pick<HeldItems, 'length' | 'lengths'>): number[] {
  if (lengths === null) return [length]
  const bytes = view(lengths)
  return Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32BE(4 * i))
}

/** The columns that say how long items are. */
export function writeLengths(lengths: readonly number[]): Pick<HeldItems, 'length' | 'lengths'> {
  const bytes = Buffer.allocUnsafeSlow(lengths.length > 1 ? 4 * lengths.length : 0)
  let total = 0
  lengths.forEach((length, i) => {
    total += length
    if (bytes.length > 0) bytes.writeUInt32BE(length, 4 * i)
  })
  return { length: total, lengths: bytes.length > 0 ? bytes : null }
}

/** An item's bytes from `offset` on, piece by piece. @throws LocalError STORAGE where its file has not all of them */
export async function* readItem({ at, length }: Item, offset = 0): AsyncGenerator<Uint8Array> {
  if (at instanceof Uint8Array) return yield at.subarray(offset)
  let left = length - offset
  if (left <= 0) return
  try {
    for await (const piece of createReadStream(at.path, { start: offset, end: length - 1, highWaterMark: 1024 * 1024 })) {
      left -= (piece as Uint8Array).length
      yield piece as Uint8Array
    }
  } catch (error) {
    throw unreadable(error)
  }
  if (left > 0) throw new LocalError('STORAGE', SHORT)
}

const SHORT = 'a stored item is shorter than it was'

function unreadable(cause: unknown): LocalError {
  return new LocalError('STORAGE', `a stored item cannot be read: ${(cause as Error).message}`, { cause })
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (error) {
    throw unreadable(error)
  }
}

/** Bytes of a file that are read at once. */
const PIECE = 512 * 1024

/**
 * The bytes of a file from `start` to `end`. A piece stays as it is until the one after the next is asked for: two buffers
 * do, whatever the length.
 */
export async function* readInTurns(path: string, start: number, end: number): AsyncGenerator<Uint8Array> {
  if (start >= end) return
  const buffers = [Buffer.allocUnsafeSlow(PIECE), Buffer.allocUnsafeSlow(PIECE)] as const
  await using file = await opened(path)
  for (let at = start, turn = 0; at < end; turn ^= 1) {
    const buffer = buffers[turn]!
    const { bytesRead } = await file.read(buffer, 0, Math.min(PIECE, end - at), at)
    if (bytesRead === 0) throw new LocalError('STORAGE', SHORT)
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** The most that stands before a body: 19 bytes and 65,535 of attributes. */
const MOST_HEAD = 19 + 0xffff

/** @throws LocalError STORAGE where the item is not one */
export async function headOf({ at, length }: Item): Promise<ItemParts> {
  const head = readItemHead(at instanceof Uint8Array ? at : await startOf(at.path), length)
  if (head === undefined || head === 'more') throw new LocalError('STORAGE', 'a stored item is damaged')
  return head
}

async function startOf(path: string): Promise<Uint8Array> {
  await using file = await opened(path)
  const { buffer, bytesRead } = await file.read(new Uint8Array(MOST_HEAD), 0, MOST_HEAD, 0)
  return buffer.subarray(0, bytesRead)
}

/** One receipt that the journal holds, and what it is for. */
export interface StoredEntry {
  /** Counts the entries of the journal, from 1. */
  readonly id: number
  /** The serial of its first message. */
  readonly serial: number
  /** How many messages it stored: none where its outcome is another than 1. */
  readonly messages: number
  readonly message: SignedStatement
  readonly messageStatement: MessageStatement
  readonly receipt: SignedStatement
  readonly receiptStatement: ReceiptStatement
  /** Bytes of its items, whether they are held or not. */
  readonly length: number
  /** Its items; undefined where they were pruned. */
  readonly items: readonly Item[] | undefined
}

/** A message that the journal holds. */
export class StoredMessage {
  /** The receipt of its envelope, and what that is for. */
  readonly entry: StoredEntry
  /** Which message of its envelope it is, from 0. */
  readonly position: number
  readonly #journal: { message(serial: number): Promise<StoredMessage | undefined> }

  /** @internal */
  constructor(entry: StoredEntry, position: number, journal: { message(serial: number): Promise<StoredMessage | undefined> }) {
    this.entry = entry
    this.position = position
    this.#journal = journal
  }

  /** Counts the messages of the journal, from 1, in the order in which they came. */
  get serial(): number {
    return this.entry.serial + this.position
  }

  /** Its number at its sender's outbox. */
  get number(): number {
    return this.entry.messageStatement.first + this.position
  }

  /** keyId of the key that signed it. */
  get sender(): Uint8Array {
    return this.entry.messageStatement.from
  }

  /** When its sender says it was sent: a claim. */
  get sentAt(): Date {
    return claimedDate(this.entry.messageStatement.sentAt)
  }

  /** When this side says that it came, in its receipt. */
  get receivedAt(): Date {
    return new Date(this.entry.receiptStatement.receivedAt)
  }

  /** Its item; undefined where it was pruned. */
  get item(): Item | undefined {
    return this.entry.items?.[this.position]
  }

  /**
   * Its attributes and body; undefined where they were pruned.
   *
   * @throws LocalError STORAGE where what is stored is damaged
   */
  async content(): Promise<StoredContent | undefined> {
    try {
      return this.item && new StoredContent(this.item, await headOf(this.item))
    } catch (error) {
      // It may have been pruned since it was read in the journal.
      const now = await this.#journal.message(this.serial)
      if (now !== undefined && now.item === undefined) return undefined
      throw error
    }
  }
}

/** What a message says. */
export class StoredContent {
  readonly attributes: Attributes
  /** The body's length in bytes. */
  readonly length: number
  readonly #item: Item
  readonly #bodyAt: number

  /** @internal */
  constructor(item: Item, { attributes, bodyAt }: ItemParts) {
    this.attributes = attributes
    this.length = item.length - bodyAt
    this.#item = item
    this.#bodyAt = bodyAt
  }

  /** The body piece by piece. */
  stream(): AsyncGenerator<Uint8Array> {
    return readItem(this.#item, this.#bodyAt)
  }

  /** The body. */
  async bytes(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    for await (const piece of this.stream()) pieces.push(piece)
    return concat(...pieces)
  }

  /** @throws LocalError MESSAGE_FORM where it is not UTF-8 */
  async text(): Promise<string> {
    const text = fromUtf8(await this.bytes())
    if (text === undefined) throw new LocalError('MESSAGE_FORM', 'its body is not UTF-8')
    return text
  }
}
