/** What a receiver keeps, and the contract that every journal fulfils. */
import type { MessageStatement } from '../wire/envelope.ts'
import type { ReceiptStatement } from '../wire/receipt.ts'
import type { SignedStatement } from '../wire/records.ts'
import type { Position } from '../wire/frames.ts'
import { hex } from '../bytes.ts'

/** Whose numbers: a sender, a receiver (each by the keyId of the oldest key of its chain) and an outbox. */
export interface Place {
  readonly sender: Uint8Array
  readonly receiver: Uint8Array
  readonly outbox: Uint8Array
}

/** The same for the same place, and for no other. */
export function placeName({ sender, receiver, outbox }: Place): string {
  return `${hex(sender)}.${hex(receiver)}.${hex(outbox)}`
}

/** Where a place stands: the position that a handshake announces, and the end of its chain of receipts. */
export interface Head {
  readonly position: Position
  /** Receipts of this place in this journal so far. */
  readonly index: number
  /** chain(index); 32 zero bytes at the start. */
  readonly chain: Uint8Array
  /** How many of those receipts are of outcome 4. */
  readonly conflicts: number
}

/** One receipt, and what it is for. */
export interface Entry {
  readonly place: Place
  readonly message: SignedStatement
  readonly messageStatement: MessageStatement
  readonly receipt: SignedStatement
  readonly receiptStatement: ReceiptStatement
  /** The number expected next once this entry stands. */
  readonly next: number
  /** The items where the outcome is 1 or 2, else none: whole, in memory, or one alone that was spooled. */
  readonly items: readonly Uint8Array[] | Spool
}

/** Bytes that are read when they are wanted: every Blob is such. */
export interface BlobLike {
  /** How many there are. */
  readonly size: number
  /** Those from `start` on. */
  slice(start: number): BlobLike
  /** All of them in one piece. */
  bytes(): Promise<Uint8Array>
  /** All of them, piece by piece. */
  stream(): AsyncIterable<Uint8Array>
}

/** One long item on its way into the journal, or as much of it as has come. */
export interface Spool {
  /** The item's length in bytes. */
  readonly length: number
  /** Bytes held. */
  readonly offset: number
  /** The bytes held, from the start: to hash them again after an interruption. */
  read(): AsyncIterable<Uint8Array>
  /**
   * Adds bytes, which are the journal's from now on: it may give their memory back. Resolves when more may be added, which
   * is not yet when they would survive a power loss.
   */
  write(pieces: readonly Uint8Array[]): Promise<void>
  /** Ends this session's writing; what is held, durably where the journal is durable, can be resumed later. */
  suspend(): Promise<void>
  /** Forgets it all. */
  discard(): Promise<void>
  /** The item, once its entry has been appended. */
  blob(): Promise<BlobLike>
}

/**
 * A receiver's journal: append-only, one chain of receipts for each place.
 *
 * What a journal must guarantee, wherever it is kept:
 * - `append` is atomic, and refuses with LocalError PLACE_MOVED unless the place's last receipt has the index right
 *   before the entry's: the check and the write are one transaction, also between processes.
 * - Where `durable` is true, an append that has resolved survives power loss, with its items.
 * - Appends of one place that are called in order are carried out in order; those that wait may share a commit.
 * - Any failure to write is LocalError STORAGE, and leaves nothing half-written.
 */
export interface Journal {
  /** 16 random bytes, made with the journal, and made anew when one is restored from a backup. */
  readonly id: Uint8Array
  /** Whether receipts say stored (outcome 1) or received (outcome 2). */
  readonly durable: boolean
  /** Where a place stands; `EMPTY_HEAD` where nothing has come of it yet. */
  head(place: Place): Promise<Head>
  /** The receipt of the envelope with this digest, byte for byte, where the place has one. */
  find(place: Place, digest: Uint8Array): Promise<SignedStatement | undefined>
  /**
   * Keeps a receipt, and what it is for.
   *
   * @throws LocalError PLACE_MOVED, STORAGE
   */
  append(entry: Entry): Promise<void>
  /** Room for the item of the envelope with this digest: what is held of it, or empty; what another envelope left at this place is dropped. */
  spool(place: Place, digest: Uint8Array, length: number): Promise<Spool>
  /** Drops what is held of an envelope at this place. */
  dropPartial(place: Place): Promise<void>
}

/** Where a place stands before anything has come: number 1 is due, and nothing is held. */
export const NO_POSITION: Position = { next: 1, offset: 0, digest: new Uint8Array(32) }
/** The head of a place without receipts. */
export const EMPTY_HEAD: Head = { position: NO_POSITION, index: 0, chain: new Uint8Array(32), conflicts: 0 }
