/** What goes into the tables of the outbox, and comes out of them. */
import type { Closed } from './reconcile.ts'

/** Where a receiver's new messages get their numbers. */
export interface PlaceRow {
  readonly id: number
  readonly outbox: Uint8Array
  readonly last: number
  readonly closed: Closed | null
}

/** An envelope, signed and ready. */
export interface NewEnvelope {
  readonly first: number
  readonly count: number
  /** The serial that its first message has already; null for new messages. */
  readonly serial: number | null
  readonly digest: Uint8Array
  readonly statement: Uint8Array
  readonly signature: Uint8Array
  readonly at: number
  readonly length: number
  readonly lengths: Uint8Array | null
  readonly items: Uint8Array | null
  readonly file: string | null
}

/** Where an envelope stands once it is added. */
export interface Added {
  readonly id: number
  /** Of its first message. */
  readonly serial: number
}

export interface EnvelopeRow {
  readonly id: number
  readonly place: number
  readonly receiver: Uint8Array
  readonly outbox: Uint8Array
  readonly first: number
  readonly count: number
  readonly serial: number
  readonly digest: Uint8Array
  readonly statement: Uint8Array
  readonly signature: Uint8Array
  readonly queued_at: number
  readonly length: number
  readonly lengths: Uint8Array | null
  readonly items: Uint8Array | null
  readonly file: string | null
  readonly withdrawn: number
  readonly outcome: number | null
  readonly again: number
  readonly moved: number
}

export interface NewReceipt {
  readonly envelope: number
  readonly journal: Uint8Array
  readonly index: number
  readonly chain: Uint8Array
  readonly outcome: number
  readonly statement: Uint8Array
  readonly signature: Uint8Array
  readonly at: number
}

/** What a receipt came to. */
export interface Settled {
  /** Messages of its envelope that it is the last word on; null for all of them. */
  readonly positions: readonly number[] | null
  readonly found: 'OUTBOX_BEHIND' | undefined
}

export interface ReceiptRow {
  readonly id: number
  readonly envelope: number
  readonly statement: Uint8Array
  readonly signature: Uint8Array
}
