/** Kinds of records and their payloads (protocol section 7). */
import { concat } from '../bytes.ts'
import { bytes, type Codec, lp, struct, u32Bytes, u8 } from './codec.ts'

/** The longest payload of one record. */
export const MAX_PAYLOAD = 65_536

/** The kinds of records, as they stand in the first byte of each. */
export const KIND = {
  MESSAGE: 1,
  'MESSAGE-END': 2,
  RECEIPT: 3,
  'KEY-UPDATE': 4,
  PING: 5,
  PONG: 6,
  CLOSE: 7,
} as const

/** The kinds of records by their names. */
export type KindName = keyof typeof KIND

/** Why a session was closed, as CLOSE says it. */
export const REASON = {
  done: 0,
  goingAway: 1,
  idle: 2,
  superseded: 3,
  protocolError: 4,
  gap: 5,
  cannotStore: 6,
  revoked: 7,
  internal: 8,
} as const

/** A reason as it stands in CLOSE. */
export type Reason = (typeof REASON)[keyof typeof REASON]

/** The payload of RECEIPT. */
export const receiptPayload: Codec<SignedStatement> = struct({ statement: lp, signature: lp })

/** The same, encoded, in the pieces that are there already. */
export function receiptPieces({ statement, signature }: SignedStatement): readonly Uint8Array[] {
  return [u32Bytes(statement.length), statement, u32Bytes(signature.length), signature]
}

/** A statement as its signer encoded it, and the signature over its PAE. */
export interface SignedStatement {
  readonly statement: Uint8Array
  readonly signature: Uint8Array
}

/** One that does not stay. Of a class, because of a literal the engine may think that all of them do (see `memory-outbox.ts`). */
export class Signed implements SignedStatement {
  readonly statement: Uint8Array
  readonly signature: Uint8Array

  constructor(statement: Uint8Array, signature: Uint8Array) {
    this.statement = statement
    this.signature = signature
  }
}

/** One that stays, in memory of its own. One piece for both: each by itself would cost the collector as much again. */
export function kept(statement: Uint8Array, signature: Uint8Array): SignedStatement {
  const both = concat(statement, signature)
  return new Signed(both.subarray(0, statement.length), both.subarray(statement.length))
}

/** The payload of CLOSE: a reason, and a text in UTF-8 for people. */
export const closePayload: Codec<{ readonly reason: number; readonly text: Uint8Array }> = struct({ reason: u8, text: lp })

/** The payload of PING and PONG. */
export const pingPayload: Codec<Uint8Array> = bytes(8)
