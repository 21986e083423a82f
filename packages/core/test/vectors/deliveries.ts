/** Envelopes and the receipts that answer them: every form of the one, every outcome of the other. */
import { concat, hex } from '../../src/bytes.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import type { PrivateKey } from '../../src/crypto/keys.ts'
import { type Identity, pae } from '../../src/crypto/signature.ts'
import { composeEnvelope, type OutgoingEnvelope, type OutgoingItem } from '../../src/delivery/compose.ts'
import type { Journal, Place } from '../../src/delivery/journal.ts'
import { memoryJournal } from '../../src/delivery/memory-journal.ts'
import { PartStream } from '../../src/delivery/part-stream.ts'
import { Receiver } from '../../src/delivery/receiver.ts'
import { decode, encode, lengthPrefixed, u64OrMark, WITHDRAWN_MARK } from '../../src/wire/codec.ts'
import { encodeAttributes, envelopeHead, itemHead, MESSAGE_TYPE } from '../../src/wire/envelope.ts'
import { chainLink, RECEIPT_TYPE, receiptStatement } from '../../src/wire/receipt.ts'
import type { SignedStatement } from '../../src/wire/records.ts'
import { signer, signNow } from '../harness/signer.ts'
import type { Identities } from './identities.ts'
import {
  bodyOf,
  bytesOf,
  type DeliveryVector,
  type EnvelopeVector,
  type ItemVector,
  type MessageVector,
  type PositionVector,
  type ReceiptVector,
} from './read.ts'
import { fixed, type Tape } from './tape.ts'

/** What tests look up: the parties of a delivery. */
export interface Parties {
  readonly sender: Identity
  readonly receiver: Identity
  readonly outbox: Uint8Array
  readonly journal: Uint8Array
}

export function placeOf({ sender, receiver, outbox }: Parties): Place {
  return { sender: sender.publicKey.id, receiver: receiver.publicKey.id, outbox }
}

/** The receiver's clock: a minute for each receipt. */
export function clock(): () => number {
  let now = 1_800_000_000_000
  return () => (now += 60_000)
}

/** An empty journal with the id of the vectors. */
export function journalOf({ journal, durable }: Pick<DeliveryVector, 'journal' | 'durable'>): Journal {
  return { ...memoryJournal(), id: bytesOf(journal), durable }
}

export function itemBytes({ salt, attributes, body }: Pick<ItemVector, 'salt' | 'attributes' | 'body'>): Uint8Array {
  return concat(itemHead(bytesOf(salt), encodeAttributes(new Map(Object.entries(attributes)))), bodyOf({ body }))
}

export interface Heard {
  readonly receipts: readonly SignedStatement[]
  readonly error: string | undefined
  readonly bodies: readonly Uint8Array[]
}

/** An envelope as it arrives: in pieces, and with its MESSAGE-END or cut before it. */
export interface Arriving {
  readonly pieces: readonly Uint8Array[]
  readonly whole: boolean
}

/** One session of a receiver, from its first record to the end of its stream. */
export async function hear(
  parties: Parties,
  journal: Journal,
  refuses: string,
  now: () => number,
  announced: PositionVector,
  envelopes: readonly Arriving[],
): Promise<Heard> {
  const { sender, receiver } = parties
  const parts = new PartStream()
  const receipts: SignedStatement[] = []
  const bodies: Uint8Array[] = []
  const delivered: Promise<unknown>[] = []
  const opened = await Receiver.open({
    parts,
    place: placeOf(parties),
    peer: { keys: [sender.publicKey] },
    identity: receiver,
    ownKeys: [receiver.publicKey],
    journal,
    announced: { ...announced, digest: bytesOf(announced.digest) },
    maxItem: 2 ** 53,
    policy: { item: ({ attributes }) => attributes.get('content-type') !== refuses },
    now,
    respond: (receipt) => void receipts.push(receipt),
    deliver: (messages) => void delivered.push(...messages.map(async (message) => bodies.push(await message.bytes()))),
  })
  for (const { pieces, whole } of envelopes) parts.push(pieces, whole)
  const running = opened.run().then(
    () => undefined,
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  )
  await quiet(() => parts.buffered)
  parts.finish()
  const error = await running
  await Promise.all(delivered)
  return { receipts, error, bodies }
}

/** Waits until a receiver has taken all that it can take. */
async function quiet(buffered: () => number): Promise<void> {
  for (let before = -1, calm = 0; calm < 3;) {
    await new Promise((resolve) => setImmediate(resolve))
    calm = buffered() === before ? calm + 1 : 0
    before = buffered()
  }
}

interface Draft {
  readonly name: string
  readonly first: number
  readonly items: readonly { readonly attributes?: Readonly<Record<string, string>>; readonly body: string | number }[]
}

interface Sending {
  readonly message: string
  readonly form: EnvelopeVector['form']
  readonly cut?: number
}

interface Plan {
  readonly name: string
  readonly sender: string
  readonly receiver: string
  readonly outbox: Uint8Array
  readonly journal: Uint8Array
  readonly durable: boolean
  readonly drafts: readonly Draft[]
  readonly sessions: readonly { readonly announced: number; readonly holds?: string; readonly envelopes: readonly Sending[] }[]
}

const REFUSED = 'application/x-refused'

async function makeMessage(
  parties: Parties,
  { name, first, items }: Draft,
  outgoing: Map<string, OutgoingEnvelope>,
): Promise<MessageVector> {
  const sentAt = 1_700_000_000_000 + first
  const vectors: ItemVector[] = []
  const composed: OutgoingItem[] = []
  for (const [i, { attributes = {}, body }] of items.entries()) {
    const encoded = typeof body === 'string' ? hex(Buffer.from(body)) : body
    const salt = hex(fixed(`salt ${i} of ${name} of ${hex(parties.outbox)}`, 16))
    const bytes = itemBytes({ salt, attributes, body: encoded })
    const leaf = sha256(bytes)
    composed.push({ leaf, length: bytes.length, bytes })
    vectors.push({ salt, attributes, body: encoded, length: bytes.length, leaf: hex(leaf) })
  }
  const { sender, receiver, outbox } = parties
  const envelope = await composeEnvelope(sender, { to: receiver.publicKey.id, outbox, first, sentAt }, composed)
  outgoing.set(name, envelope)
  const { statement, signature } = envelope.message
  const signed = pae(MESSAGE_TYPE, statement)
  const strings = { statement: hex(statement), signed: hex(signed), signature: hex(signature), digest: hex(envelope.digest) }
  return { name, first, sentAt, items: vectors, ...strings }
}

function headOf({ message, lengths }: OutgoingEnvelope, form: Sending['form']): Uint8Array {
  const { statement, signature } = message
  if (form === 'short') return lengthPrefixed(statement, signature)
  if (form === 'withdrawn') return concat(lengthPrefixed(statement, signature), encode(u64OrMark, WITHDRAWN_MARK))
  return envelopeHead(statement, signature, form.offset, lengths)
}

function receiptVector(before: string, { statement, signature }: SignedStatement, messageSignature: Uint8Array): ReceiptVector {
  const fields = decode(receiptStatement, statement)
  const { outcome, receivedAt, index, chain } = fields
  const link = chainLink(bytesOf(before), fields, sha256(messageSignature))
  const signed = pae(RECEIPT_TYPE, statement)
  const strings = {
    link: hex(link),
    chain: hex(chain),
    statement: hex(statement),
    signed: hex(signed),
    signature: hex(signature),
  }
  return { outcome, receivedAt, index, before, ...strings }
}

async function makeDelivery(tape: Tape, identities: Identities, plan: Plan): Promise<DeliveryVector> {
  const { name, outbox, journal: id, durable } = plan
  let signatures = 0
  const taped = (key: PrivateKey): Identity => {
    return signer(key, (message) => tape.take(`${name}: signature ${++signatures}`, () => signNow(key, message)))
  }
  const [sender, receiver] = [identities.get(plan.sender)!, identities.get(plan.receiver)!]
  const parties: Parties = { sender: taped(sender), receiver: taped(receiver), outbox, journal: id }
  const outgoing = new Map<string, OutgoingEnvelope>()
  const messages: MessageVector[] = []
  for (const draft of plan.drafts) messages.push(await makeMessage(parties, draft, outgoing))
  const journal = journalOf({ journal: hex(id), durable })
  const now = clock()
  const receipts = new Map<string, ReceiptVector>()
  const sessions: DeliveryVector['sessions'][number][] = []
  for (const session of plan.sessions) {
    const { position } = await journal.head(placeOf(parties))
    const announced = { next: position.next, offset: position.offset, digest: hex(position.digest) }
    if (position.next !== session.announced) throw new Error(`${name}: ${position.next} is due, not ${session.announced}`)
    const envelopes = session.envelopes.map((sending) => ({ ...sending, outgoing: outgoing.get(sending.message)! }))
    const wires = envelopes.map(({ outgoing: { message }, form, cut, message: called }) => {
      const { items } = messages.find((vector) => vector.name === called)!
      const head = headOf(outgoing.get(called)!, form)
      const from = typeof form === 'string' ? Infinity : form.offset
      const bytes = concat(head, concat(...items.map(itemBytes)).subarray(from, cut))
      return { head, pieces: [bytes], whole: cut === undefined, signature: message.signature }
    })
    const heard = await hear(parties, journal, REFUSED, now, announced, wires)
    if (heard.error !== undefined) throw new Error(`${name}: ${heard.error}`)
    const vectors: EnvelopeVector[] = envelopes.map(({ message, form, cut }, i) => {
      const wire = wires[i]!
      const receipt = heard.receipts[i]
      if (receipt === undefined) return { message, form, head: hex(wire.head), cut: cut! }
      const key = hex(receipt.statement)
      const before = [...receipts.values()].at(-1)?.chain ?? '00'.repeat(32)
      if (!receipts.has(key)) receipts.set(key, receiptVector(before, receipt, wire.signature))
      return { message, form, head: hex(wire.head), receipt: receipts.get(key)!.index }
    })
    sessions.push({ announced, envelopes: vectors })
  }
  const strings = { outbox: hex(outbox), journal: hex(id) }
  return {
    name,
    sender: plan.sender,
    receiver: plan.receiver,
    ...strings,
    durable,
    refuses: REFUSED,
    messages,
    sessions,
    receipts: [...receipts.values()],
  }
}

const whole = { offset: 0 }
const short = 'short'

function plans(conversation: { readonly outbox: Uint8Array; readonly journal: Uint8Array }): Plan[] {
  const ids = (name: string) => ({ outbox: fixed(`outbox of ${name}`, 16), journal: fixed(`journal of ${name}`, 16) })
  const one = (name: string): Pick<Plan, 'drafts' | 'sessions'> => ({
    drafts: [{ name, first: 1, items: [{ body: 'Hello.' }] }],
    sessions: [{ announced: 1, envelopes: [{ message: name, form: whole }] }],
  })
  return [
    {
      name: 'one message, received by a journal in memory',
      sender: 'client ed25519',
      receiver: 'server ed25519',
      ...conversation,
      durable: false,
      ...one('one'),
    },
    {
      name: 'every form and every outcome of a durable journal',
      sender: 'client ed25519',
      receiver: 'server rsa',
      ...ids('every form'),
      durable: true,
      drafts: [
        { name: 'one', first: 1, items: [{ body: 'Hello.', attributes: { 'content-type': 'text/plain' } }] },
        {
          name: 'many',
          first: 2,
          items: [
            {
              body: '{"n":1}',
              attributes: { 'content-type': 'application/json', id: 'b', 'in-reply-to': 'a', name: 'report \u00e9.json' },
            },
            { body: '' },
            { body: 'three', attributes: { 'x-of-our-own': '' } },
          ],
        },
        { name: 'against the policy', first: 5, items: [{ body: 'no', attributes: { 'content-type': REFUSED } }] },
        { name: 'withdrawn', first: 6, items: [{ body: 'never mind' }] },
        { name: 'long', first: 7, items: [{ body: 1_048_600 }] },
        { name: 'another at a taken number', first: 3, items: [{ body: 'not what was signed before' }] },
        { name: 'reaching beyond what is taken', first: 7, items: [{ body: 'seven' }, { body: 'eight' }] },
        { name: 'after all that', first: 8, items: [{ body: 'Goodbye.' }] },
      ],
      sessions: [
        {
          announced: 1,
          envelopes: [
            { message: 'one', form: whole },
            { message: 'many', form: whole },
            { message: 'against the policy', form: whole },
            { message: 'withdrawn', form: 'withdrawn' },
            { message: 'long', form: whole, cut: 1_048_576 },
          ],
        },
        {
          // No receipt had reached the sender: all is sent again, and answered from the journal.
          announced: 7,
          envelopes: [
            { message: 'one', form: short },
            { message: 'many', form: short },
            { message: 'against the policy', form: short },
            { message: 'withdrawn', form: short },
            { message: 'long', form: { offset: 1_048_576 } },
            { message: 'reaching beyond what is taken', form: whole },
          ],
        },
        {
          announced: 8,
          envelopes: [
            { message: 'another at a taken number', form: short },
            { message: 'another at a taken number', form: short },
            { message: 'after all that', form: whole },
          ],
        },
      ],
    },
    {
      name: 'signed with ML-DSA-65, receipted with Ed25519',
      sender: 'client ml-dsa-65',
      receiver: 'server ed25519',
      ...ids('ML-DSA-65'),
      durable: true,
      ...one('one'),
    },
    {
      name: 'signed with RSA, receipted with ML-DSA-65',
      sender: 'client rsa',
      receiver: 'server ml-dsa-65',
      ...ids('RSA'),
      durable: true,
      ...one('one'),
    },
  ]
}

/** @param conversation the outbox and the journal of the first delivery, which the vectors' records carry */
export async function makeDeliveries(
  tape: Tape,
  identities: Identities,
  conversation: { readonly outbox: Uint8Array; readonly journal: Uint8Array },
): Promise<DeliveryVector[]> {
  const made: DeliveryVector[] = []
  for (const plan of plans(conversation)) made.push(await makeDelivery(tape, identities, plan))
  return made
}
