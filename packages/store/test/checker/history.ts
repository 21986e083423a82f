/** What happened, as those who took part saw it: the one thing that the checker goes by, beside the journal. */

/** A statement and its signature, in hexadecimal. */
export interface Signed {
  readonly statement: string
  readonly signature: string
}

/** A receipt that a sender has verified, and what it is for. */
export interface ReceiptSeen {
  readonly message: Signed
  readonly receipt: Signed
}

/** One sender's part. */
export interface SenderHistory {
  /** The label of every message that it began to enqueue, in that order. */
  readonly offered: string[]
  /** Those of them that the outbox answered for: they may not be lost. */
  readonly enqueued: string[]
  /** Every receipt, as often as it came. */
  readonly receipts: ReceiptSeen[]
}

/** By the names of the senders. */
export type History = ReadonlyMap<string, SenderHistory>

const PIECE = 256 * 1024

/** The body of a message with this label: a long one as a stream, of bytes that follow from label and length. */
export function bodyOf(label: string, length?: number): string | AsyncGenerator<Uint8Array> {
  if (length === undefined) return label
  if (length <= PIECE) return label.repeat(Math.ceil(length / label.length)).slice(0, length)
  return longBody(label, length)
}

async function* longBody(label: string, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < length; at += PIECE) {
    yield Buffer.alloc(Math.min(PIECE, length - at), `${label} ${at} `)
  }
}
