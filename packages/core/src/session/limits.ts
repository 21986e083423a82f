/** What bounds a session (protocol sections 2 and 7). All can be set lower, so that tests reach them. */
export interface Limits {
  /** A sender changes its key before a record when the key has protected this many records, */
  readonly updateRecords: number
  /** this many bytes of plaintext, */
  readonly updateBytes: number
  /** or is this old, in ms. */
  readonly updateAge: number
  /** A receiver ends the session past this many records under one key, */
  readonly mostRecords: number
  /** or this many bytes of plaintext. */
  readonly mostBytes: number
  /** Records without content that a peer may send at once, */
  readonly budget: number
  /** and how many are added a second. */
  readonly budgetRate: number
  /** Records with content after which a KEY-UPDATE costs the peer nothing. */
  readonly freeUpdateAfter: number
  /** With nothing received for this long a side sends PING, in ms; */
  readonly pingAfter: number
  /** for this long, CLOSE 2. */
  readonly idleAfter: number
  /** How long the peer's CLOSE is waited for, in ms. */
  readonly closeWithin: number
}

/** The limits of the protocol. */
export const LIMITS: Limits = {
  updateRecords: 2 ** 20,
  updateBytes: 2 ** 32,
  updateAge: 600_000,
  mostRecords: 2 ** 22,
  mostBytes: 2 ** 36,
  budget: 64,
  budgetRate: 8,
  freeUpdateAfter: 16,
  pingAfter: 30_000,
  idleAfter: 90_000,
  closeWithin: 5_000,
}
