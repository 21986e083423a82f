/** What goes into the tables of the journal, and comes out of them. */
import type { Place } from '@countersign/core'

/** An entry to be appended. */
export interface NewEntry {
  readonly place: Place
  /** The number of the last message that is taken once this entry stands. */
  readonly last: number
  readonly index: number
  readonly chain: Uint8Array
  readonly conflict: boolean
  readonly messages: number
  readonly digest: Uint8Array
  readonly statement: Uint8Array
  readonly signature: Uint8Array
  readonly receipt: Uint8Array
  readonly receiptSignature: Uint8Array
  readonly receivedAt: number
  readonly length: number
  readonly lengths: Uint8Array | null
  readonly items: Uint8Array | null
  /** Where its one item is in a file: who has written that. */
  readonly held: Hold | null
}

/**
 * What an entry shows of its sender: it signed two things under one number, or came back, for the first time since the journal
 * was made from a backup, where it was or at another outbox id.
 */
export type Noticed = 'conflict' | 'returned' | 'returned elsewhere'

/** The right to write to what is held of an envelope; a later one ends it. */
export interface Hold {
  readonly place: number
  readonly file: string
  readonly holder: number
}

/** What is held of a long item. */
export interface Held {
  /** Its length in bytes, as its sender said the first time. */
  readonly length: number
  /** Bytes held. */
  readonly offset: number
  readonly path: string
}

/** An entry as it stands in the table. */
export interface EntryRow {
  readonly id: number
  readonly place: number
  readonly serial: number
  readonly messages: number
  readonly digest: Uint8Array
  readonly statement: Uint8Array
  readonly signature: Uint8Array
  readonly receipt: Uint8Array
  readonly receipt_signature: Uint8Array
  readonly length: number
  readonly lengths: Uint8Array | null
  readonly items: Uint8Array | null
  readonly file: string | null
}

export interface PlaceRow {
  readonly id: number
  readonly last: number
  readonly receipts: number
  readonly chain: Uint8Array
  readonly conflicts: number
}

export interface PartialRow {
  readonly digest: Uint8Array
  readonly length: number
  readonly file: string
  readonly holder: number
}

export interface PlaceState extends Omit<PlaceRow, 'id'> {
  readonly partial: { readonly digest: Uint8Array; readonly offset: number } | undefined
}

/** What a sender takes up of a journal. */
export interface Usage {
  readonly places: number
  readonly partials: number
  /** Bytes of items that are held, and that partials say they will be. */
  readonly bytes: number
}

/** What pruning dropped, and whether there may be more to drop. */
export interface Pruned {
  readonly messages: number
  readonly bytes: number
  readonly more: boolean
}

export interface HeldRow {
  readonly id: number
  readonly received_at: number
  readonly messages: number
  readonly length: number
  readonly file: string | null
}

export interface FullPlaceRow extends Place, PlaceRow {}
