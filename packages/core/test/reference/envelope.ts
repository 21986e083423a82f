/** Envelopes and receipts, from the protocol's sections 8 and 9. */
import { type Bytes, cat, domain, hash, lp, pae, prefixed, uint } from './primitives.ts'

const MESSAGE = 'application/vnd.countersign.message.v1'
const RECEIPT = 'application/vnd.countersign.receipt.v1'

export type Attributes = Readonly<Record<string, string>>

export function itemOf(salt: Bytes, attributes: Attributes, body: Bytes): Buffer {
  const rows = Object.entries(attributes).toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const encoded = cat(...rows.flatMap(([name, value]) => [prefixed(1, name), prefixed(2, value)]))
  return cat(uint(1, 0), salt, prefixed(2, encoded), body)
}

export interface Statement {
  readonly from: Bytes
  readonly to: Bytes
  readonly outbox: Bytes
  readonly first: number
  readonly sentAt: number
}

export interface SignedMessage {
  readonly leaves: readonly Buffer[]
  readonly statement: Buffer
  readonly signed: Buffer
  readonly digest: Buffer
}

export function messageOf({ from, to, outbox, first, sentAt }: Statement, items: readonly Bytes[]): SignedMessage {
  const leaves = items.map((item) => hash(item))
  const statement = cat(from, to, outbox, uint(8, first), uint(8, sentAt), uint(4, items.length), ...leaves)
  const signed = pae(MESSAGE, statement)
  return { leaves, statement, signed, digest: hash(signed) }
}

/** An envelope as it travels: statement and signature alone, withdrawn, or with its items from an offset on. */
export function envelopeOf(
  statement: Bytes,
  signature: Bytes,
  form: 'short' | 'withdrawn' | { readonly offset: number },
  items: readonly Bytes[],
): Buffer {
  const short = cat(lp(statement), lp(signature))
  if (form === 'short') return short
  if (form === 'withdrawn') return cat(short, Buffer.alloc(8, 0xff))
  const lengths = items.map((item) => uint(8, item.length))
  return cat(short, uint(8, form.offset), ...lengths, cat(...items).subarray(form.offset))
}

export interface ReceiptFields {
  readonly from: Bytes
  readonly to: Bytes
  readonly outbox: Bytes
  readonly first: number
  readonly count: number
  readonly digest: Bytes
  readonly outcome: number
  readonly receivedAt: number
  readonly journal: Bytes
  readonly index: number
}

export interface SignedReceipt {
  /** What the chain hashes. */
  readonly link: Buffer
  readonly chain: Buffer
  readonly statement: Buffer
  readonly signed: Buffer
}

export function receiptOf(before: Bytes, messageSignature: Bytes, fields: ReceiptFields): SignedReceipt {
  const { from, to, outbox, first, count, digest, outcome, receivedAt, journal, index } = fields
  const link = cat(before, uint(8, index), digest, uint(1, outcome), uint(8, receivedAt), hash(messageSignature))
  const chain = domain('chain', link)
  const start = cat(from, to, outbox, uint(8, first), uint(4, count), digest, uint(1, outcome))
  const statement = cat(start, uint(8, receivedAt), journal, uint(8, index), chain)
  return { link, chain, statement, signed: pae(RECEIPT, statement) }
}
