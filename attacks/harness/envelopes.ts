/** Envelopes and receipts as a dishonest peer makes them: signed with its own right key, and wrong elsewhere. */
import type { Identity, PublicKey } from '@countersign/core'
import {
  type ChainHead,
  composeEnvelope,
  composeItem,
  concat,
  decode,
  encode,
  lengthPrefixed,
  MESSAGE_TYPE,
  type MessageStatement,
  messageStatement,
  nextChain,
  type OutgoingEnvelope,
  pae,
  RECEIPT_TYPE,
  type ReceiptStatement,
  receiptStatement,
  sha256,
  type SignedStatement,
  u64,
} from '@countersign/core/protocol'

export interface Place {
  readonly from: Identity
  readonly to: PublicKey
  readonly outbox: Uint8Array
}

/** A signed envelope of these bodies, from number `first` on. */
export async function envelopeOf(
  { from, to, outbox }: Place,
  first: number,
  ...bodies: readonly (string | Uint8Array)[]
): Promise<OutgoingEnvelope> {
  const items = await Promise.all(bodies.map(async (body) => composeItem(body)))
  return composeEnvelope(from, { to: to.id, outbox, first, sentAt: Date.now() }, items)
}

/** The envelope with fields of its statement changed, signed again with the right key. */
export async function resigned(
  envelope: OutgoingEnvelope,
  from: Identity,
  change: Partial<MessageStatement>,
): Promise<OutgoingEnvelope> {
  const statement = encode(messageStatement, { ...decode(messageStatement, envelope.message.statement), ...change })
  return signedAs(envelope, from, statement)
}

/** The envelope with these bytes as its statement, signed. */
export async function signedAs(envelope: OutgoingEnvelope, from: Identity, statement: Uint8Array): Promise<OutgoingEnvelope> {
  const signed = pae(MESSAGE_TYPE, statement)
  return { ...envelope, message: { statement, signature: await from.sign(signed) }, digest: sha256(signed) }
}

export function shortForm({ message }: Pick<OutgoingEnvelope, 'message'>): Uint8Array {
  return lengthPrefixed(message.statement, message.signature)
}

export interface Wire {
  readonly offset?: number
  readonly lengths?: readonly number[]
  readonly items?: Uint8Array
}

/** The items of an envelope in one piece. */
export async function itemsOf(envelope: OutgoingEnvelope): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of envelope.read(0)) pieces.push(piece)
  return concat(...pieces)
}

/** An envelope's bytes as they travel, with what is said in place of the truth. */
export async function wireOf(envelope: OutgoingEnvelope, said: Wire = {}): Promise<Uint8Array> {
  const { offset = 0, lengths = envelope.lengths, items = await itemsOf(envelope) } = said
  return concat(shortForm(envelope), ...[offset, ...lengths].map((value) => encode(u64, value)), items)
}

export interface ReceiptMade extends ChainHead {
  readonly receipt: SignedStatement
  readonly statement: ReceiptStatement
}

/** A receipt for a message, with fields changed before it is signed. */
export async function receiptFor(
  message: SignedStatement,
  by: Identity,
  { journal, before }: { readonly journal: Uint8Array; readonly before: ChainHead },
  change: Partial<ReceiptStatement> = {},
): Promise<ReceiptMade> {
  const sent = decode(messageStatement, message.statement)
  const digest = sha256(pae(MESSAGE_TYPE, message.statement))
  const link = { index: before.index + 1, digest, outcome: 1, receivedAt: Date.now(), ...change } as const
  const chain = nextChain(before.chain, link, message.signature)
  const whole = { from: by.publicKey.id, to: sent.from, outbox: sent.outbox, first: sent.first, count: sent.leaves.length / 32 }
  const statement: ReceiptStatement = { ...whole, journal, chain, ...link, ...change }
  const encoded = encode(receiptStatement, statement)
  const signature = await by.sign(pae(RECEIPT_TYPE, encoded))
  return { receipt: { statement: encoded, signature }, statement, index: statement.index, chain: statement.chain }
}
