/** Envelopes as a sender makes them, honest or not, and a receiver that takes them from memory. */
import { concat } from '../../src/bytes.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { generatePrivateKey } from '../../src/crypto/keys.ts'
import { identity, type Identity, pae } from '../../src/crypto/signature.ts'
import { composeEnvelope, composeItem, type OutgoingEnvelope, type OutgoingItem } from '../../src/delivery/compose.ts'
import type { Journal, Place } from '../../src/delivery/journal.ts'
import { memoryJournal } from '../../src/delivery/memory-journal.ts'
import type { Message } from '../../src/delivery/message.ts'
import { PartStream } from '../../src/delivery/part-stream.ts'
import { Receiver, type ReceiverOptions } from '../../src/delivery/receiver.ts'
import { decode, encode, lengthPrefixed, u64, u64OrMark, WITHDRAWN_MARK } from '../../src/wire/codec.ts'
import { MESSAGE_TYPE, type MessageStatement, messageStatement } from '../../src/wire/envelope.ts'
import { type ReceiptStatement, receiptStatement } from '../../src/wire/receipt.ts'
import type { SignedStatement } from '../../src/wire/records.ts'

export const sender: Identity = identity(generatePrivateKey())
export const receiver: Identity = identity(generatePrivateKey())
export const stranger: Identity = identity(generatePrivateKey())
export const outboxId: Uint8Array = new Uint8Array(16).fill(7)
export const NOW = 1_700_000_000_000

export const place: Place = { sender: sender.publicKey.id, receiver: receiver.publicKey.id, outbox: outboxId }

/** A signed envelope of these texts, from `first` on. */
export async function envelopeOf(first: number, ...texts: readonly (string | Uint8Array)[]): Promise<OutgoingEnvelope> {
  const items: OutgoingItem[] = []
  for (const text of texts) items.push(await composeItem(text))
  return envelopeOfItems(first, items)
}

export function envelopeOfItems(first: number, items: readonly OutgoingItem[]): Promise<OutgoingEnvelope> {
  return composeEnvelope(sender, { to: receiver.publicKey.id, outbox: outboxId, first, sentAt: NOW }, items)
}

/** An item whose bytes are these, whatever their form. */
export function rawItem(bytes: Uint8Array): OutgoingItem {
  return { leaf: sha256(bytes), length: bytes.length, bytes }
}

/** The bytes of an envelope as its sender writes them. */
export async function wireOf(
  envelope: OutgoingEnvelope,
  offset: number = 0,
  lengths: readonly number[] = envelope.lengths,
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of envelope.read(offset)) pieces.push(piece)
  const { statement, signature } = envelope.message
  return concat(lengthPrefixed(statement, signature), ...[offset, ...lengths].map((value) => encode(u64, value)), ...pieces)
}

export function shortForm({ message }: Pick<OutgoingEnvelope, 'message'>): Uint8Array {
  return lengthPrefixed(message.statement, message.signature)
}

export function withdrawnForm(envelope: OutgoingEnvelope): Uint8Array {
  return concat(shortForm(envelope), encode(u64OrMark, WITHDRAWN_MARK))
}

/** The same envelope with fields of its statement changed, and signed again. */
export async function resigned(
  envelope: OutgoingEnvelope,
  change: Partial<MessageStatement>,
  by: Identity = sender,
): Promise<OutgoingEnvelope> {
  const statement = encode(messageStatement, { ...decode(messageStatement, envelope.message.statement), ...change })
  const signature = await by.sign(pae(MESSAGE_TYPE, statement))
  return { ...envelope, message: { statement, signature }, digest: sha256(pae(MESSAGE_TYPE, statement)) }
}

export interface Received {
  readonly receipts: SignedStatement[]
  readonly statements: ReceiptStatement[]
  readonly messages: Message[]
  /** The code of the error that ended it; undefined where it ended well. */
  readonly error: string | undefined
}

/** One session: a receiver is fed these byte strings, each one envelope, and then nothing more. */
export async function receive(
  journal: Journal,
  wire: readonly Uint8Array[],
  options: Partial<ReceiverOptions> & { readonly piece?: number; readonly cut?: boolean } = {},
): Promise<Received> {
  const parts = new PartStream()
  const receipts: SignedStatement[] = []
  const messages: Message[] = []
  const { piece = 65_536, cut = false } = options
  const opened = await Receiver.open({
    parts,
    place,
    peer: { keys: [sender.publicKey] },
    identity: receiver,
    ownKeys: [receiver.publicKey],
    journal,
    announced: (await journal.head(place)).position,
    maxItem: 2 ** 53,
    now: () => NOW + 5,
    respond: (receipt) => receipts.push(receipt),
    deliver: (more) => messages.push(...more),
    ...options,
  })
  const running = opened.run().then(
    () => undefined,
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  )
  for (const [i, bytes] of wire.entries()) {
    for (let at = 0; at < bytes.length; at += piece) parts.push([bytes.subarray(at, at + piece)], false)
    if (!cut || i < wire.length - 1) parts.push([], true)
  }
  await settle()
  parts.finish()
  const error = await running
  return { receipts, statements: receipts.map(({ statement }) => decode(receiptStatement, statement)), messages, error }
}

/** Lets all that is under way in memory come to rest. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}

export { memoryJournal }
