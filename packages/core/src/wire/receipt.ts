/** Receipts (protocol section 9). */
import { bytes, checked, type Codec, encode, struct, u32, u64, u8 } from './codec.ts'

/** The payload type of a receipt statement's PAE. */
export const RECEIPT_TYPE = 'application/vnd.countersign.receipt.v1'

/** What became of an envelope, as receipts say it. */
export const OUTCOME = { stored: 1, received: 2, refused: 3, conflict: 4, withdrawn: 5 } as const
/** The outcomes by their names. */
export type OutcomeName = keyof typeof OUTCOME
/** An outcome as it stands in a receipt. */
export type Outcome = (typeof OUTCOME)[OutcomeName]

const outcomes: ReadonlySet<number> = new Set(Object.values(OUTCOME))

/** The name of an outcome. */
export function outcomeName(outcome: Outcome): OutcomeName {
  return (Object.keys(OUTCOME) as OutcomeName[]).find((name) => OUTCOME[name] === outcome)!
}

/** What a receiver signs: which envelope, what became of it, and where that stands in its journal. */
export interface ReceiptStatement {
  /** keyId of the receiver, who signs. */
  readonly from: Uint8Array
  /** keyId of the sender. */
  readonly to: Uint8Array
  readonly outbox: Uint8Array
  readonly first: number
  readonly count: number
  /** SHA-256 of the PAE of the message statement. */
  readonly digest: Uint8Array
  readonly outcome: Outcome
  /** Milliseconds since 1970, UTC. */
  readonly receivedAt: number
  readonly journal: Uint8Array
  /** Counts the receipts of this place in this journal, from 1. */
  readonly index: number
  readonly chain: Uint8Array
}

const outcome = checked(u8, (value) => outcomes.has(value), 'another outcome') as Codec<Outcome>

/** The layout of a receipt statement: 213 bytes. */
export const receiptStatement: Codec<ReceiptStatement> = struct({
  from: bytes(32),
  to: bytes(32),
  outbox: bytes(16),
  first: u64,
  count: u32,
  digest: bytes(32),
  outcome,
  receivedAt: u64,
  journal: bytes(16),
  index: u64,
  chain: bytes(32),
})

const link = struct({
  previous: bytes(32),
  index: u64,
  digest: bytes(32),
  outcome: u8,
  receivedAt: u64,
  signatureHash: bytes(32),
})

/** `chain(n-1) || n || digest || outcome || receivedAt || H(message signature)`: what chain(n) hashes. */
export function chainLink(
  previous: Uint8Array,
  { index, digest, outcome: value, receivedAt }: Pick<ReceiptStatement, 'index' | 'digest' | 'outcome' | 'receivedAt'>,
  signatureHash: Uint8Array,
): Uint8Array {
  return encode(link, { previous, index, digest, outcome: value, receivedAt, signatureHash })
}
