/** Sessions and delivery behind the AEAD: every record opens, every statement is signed, and what they say is the input. */
import { CountersignError, generatePrivateKey, identity, memoryJournal, type Message } from '@countersign/core'
import {
  CHAIN_START,
  composeEnvelope,
  composeItem,
  concat,
  encode,
  equal,
  lengthPrefixed,
  LIMITS,
  MESSAGE_TYPE,
  type OutgoingEnvelope,
  pae,
  PartStream,
  random,
  RECEIPT_TYPE,
  receiptPayload,
  Receiver,
  Sealer,
  Sender,
  Session,
  type SignedStatement,
  type TrafficSecrets,
} from '@countersign/core/protocol'
import { receiptFor, shortForm, wireOf } from '../harness/envelopes.ts'
import type { Target } from './fuzzer.ts'

const alice = identity(generatePrivateKey())
const bob = identity(generatePrivateKey())
const outbox = new Uint8Array(16).fill(7)
const place = { sender: alice.publicKey.id, receiver: bob.publicKey.id, outbox }
const secret = random(32)

function secrets(): TrafficSecrets {
  const fresh = (): Uint8Array => Uint8Array.from(secret)
  return { client: fresh(), server: fresh(), sessionId: fresh() } as unknown as TrafficSecrets
}

/** Errors that a peer may cause; a fault of this program's is none of them. */
function codeOf(error: unknown): string {
  if (error instanceof CountersignError && error.code !== 'INTERNAL') return `${error.code}: ${error.message.slice(0, 60)}`
  throw error
}

/** Records, as (kind, u16 length, payload) one behind the other; a kind of 4 changes the key. */
function records(input: Uint8Array): Uint8Array {
  const sealer = new Sealer(Uint8Array.from(secret))
  const sealed: Uint8Array[] = []
  for (let at = 1; at < input.length;) {
    const kind = input[at]!
    const length = ((input[at + 1] ?? 0) << 8) | (input[at + 2] ?? 0)
    sealed.push(...sealer.record(kind, [input.subarray(at + 3, at + 3 + length)]))
    if (kind === 4) sealer.update()
    at += 3 + length
  }
  return concat(...sealed)
}

function script(role: number, ...said: readonly (readonly [kind: number, payload: Uint8Array])[]): Uint8Array {
  const pieces = said.map(([kind, payload]) => concat(Uint8Array.of(kind, payload.length >> 8, payload.length), payload))
  return concat(Uint8Array.of(role), ...pieces)
}

const close = Uint8Array.of(0, 0, 0, 0, 0)

export const sessions: Target = {
  name: 'session',
  promise:
    'records that open are events or one error of the peer’s; nothing comes behind CLOSE, and answers are no more than questions',
  covers: /core\/src\/session\//,
  longest: 3_000,
  seeds: [
    script(0, [5, random(8)], [1, random(30)], [2, random(30)], [7, close]),
    script(
      1,
      [3, encode(receiptPayload, { statement: random(10), signature: random(10) })],
      [4, new Uint8Array(0)],
      [5, random(8)],
    ),
    script(3, [6, random(8)], [2, new Uint8Array(0)], [7, Uint8Array.of(9, 0, 0, 0, 1, 0x41)]),
  ],
  run(input) {
    const flags = input[0] ?? 0
    const role = (flags & 1) === 0 ? 'server' : 'client'
    const limits = { ...LIMITS, budget: 5, mostRecords: 20 }
    const session = new Session({ role, secrets: secrets(), mayReceive: (flags & 2) === 0, limits, now: 0 })
    const bytes = records(input)
    const step = 1 + (flags >> 2) * 7
    const seen: string[] = []
    try {
      for (let at = 0; at < bytes.length; at += step) {
        for (const event of session.receive(bytes.subarray(at, at + step), at)) {
          if (seen.at(-1) === 'close') throw new Error('an event behind CLOSE')
          if (seen.length === 0 && (event.type === 'confirmed') !== (role === 'server'))
            throw new Error('a first event out of turn')
          if (seen.at(-1) !== event.type) seen.push(event.type)
        }
        session.takeOutput(at)
      }
    } catch (error) {
      return codeOf(error)
    } finally {
      session.erase()
    }
    return [...new Set(seen)].join(' ')
  },
}

const envelopes = await Promise.all(
  [['short'], ['one', 'two', 'three']].map(async (texts) => {
    const items = await Promise.all(texts.map(async (text) => composeItem(text)))
    return composeEnvelope(alice, { to: bob.publicKey.id, outbox, first: 1, sentAt: 1 }, items)
  }),
)

/** LP(statement) || everything behind the signature: what the target takes for an input. */
async function seedOf(envelope: OutgoingEnvelope, flags: number): Promise<Uint8Array> {
  const behind = (await wireOf(envelope)).subarray(shortForm(envelope).length)
  return concat(Uint8Array.of(flags), lengthPrefixed(envelope.message.statement), behind)
}

const long = await composeEnvelope(alice, { to: bob.publicKey.id, outbox, first: 1, sentAt: 1 }, [
  await composeItem(random(2 ** 20 + 9)),
])
const first = await wireOf(envelopes[0]!)
const second = await composeEnvelope(alice, { to: bob.publicKey.id, outbox, first: 2, sentAt: 1 }, [await composeItem('x')])

export const receiver: Target = {
  name: 'receiver',
  promise:
    'an envelope whose statement is signed by the right key, whatever it says, is receipted once or ends in an error of the peer’s; what is delivered matches its leaf',
  covers: /core\/src\/(delivery\/(receiver|ledger|part-stream|memory-journal|message|long-item)|wire\/envelope)/,
  longest: 1_500,
  seeds: [
    ...(await Promise.all(envelopes.map((envelope) => seedOf(envelope, 0)))),
    await seedOf(second, 1),
    concat(Uint8Array.of(1), lengthPrefixed(envelopes[0]!.message.statement)),
    concat(Uint8Array.of(1), lengthPrefixed(envelopes[1]!.message.statement)),
    await seedOf(envelopes[1]!, 2),
    await seedOf(envelopes[1]!, 6),
    (await seedOf(long, 0)).subarray(0, 1_000),
    concat(Uint8Array.of(0), lengthPrefixed(envelopes[0]!.message.statement), new Uint8Array(8).fill(0xff)),
  ],
  async run(input) {
    const statementLength = Buffer.from(concat(input.subarray(1, 5), new Uint8Array(4))).readUInt32BE()
    const statement = input.subarray(5, 5 + Math.min(statementLength, 1_400))
    const signature = await alice.sign(pae(MESSAGE_TYPE, statement))
    const bytes = concat(input.subarray(1, 5), statement, lengthPrefixed(signature), input.subarray(5 + statement.length))
    const flags = input[0] ?? 0
    const journal = memoryJournal()
    let receipts = 0
    let faulty = 0
    const options = {
      place,
      peer: { keys: [alice.publicKey] },
      identity: bob,
      ownKeys: [bob.publicKey],
      journal,
      maxItem: 2 ** 30,
      ...((flags & 2) === 2 && { policy: { item: () => (flags & 4) === 4 } }),
      now: () => 5,
      respond: () => (receipts += 1),
      deliver: (messages: readonly Message[]) => {
        for (const { number, envelope } of messages) if (number < envelope.statement.first) faulty += 1
      },
    }
    const receive = async (wire: Uint8Array, step: number): Promise<string> => {
      const parts = new PartStream()
      const announced = (await journal.head(place)).position
      const running = (await Receiver.open({ ...options, parts, announced })).run().then(() => 'ended', codeOf)
      for (let at = 0; at < wire.length; at += step) parts.push([wire.subarray(at, at + step)], false)
      parts.push([], true)
      // What is under way in memory comes to rest in a turn or two.
      await new Promise((resolve) => setImmediate(resolve))
      parts.finish()
      return await running
    }
    // Where number 1 is taken already, the input is the same envelope again, the next one, or a conflict.
    if ((flags & 1) === 1) await receive(first, 65_536)
    receipts = 0
    const ended = await receive(bytes, 1 + (flags >> 3) * 23)
    if (receipts > 1 || faulty > 0)
      throw new Error(`${receipts} receipts for one envelope, ${faulty} messages that are not of it`)
    return `${ended} ${receipts}`
  },
}

const sent = envelopes[0]!
const right = await receiptFor(sent.message, bob, { journal: random(16), before: CHAIN_START })

export const receipts: Target = {
  name: 'receipts',
  promise:
    'a receipt whose statement is signed by the right key, whatever it says, settles the envelope that it is for or ends in an error of the peer’s',
  covers: /core\/src\/(delivery\/sender|wire\/receipt)/,
  longest: 400,
  seeds: [
    right.receipt.statement,
    concat(right.receipt.statement.subarray(0, 124), Uint8Array.of(3), right.receipt.statement.subarray(125)),
  ],
  async run(input) {
    let settled = 0
    const pending = async function* (): AsyncGenerator<OutgoingEnvelope> {
      yield sent
    }
    const sender = new Sender({
      outbox: {
        idFor: () => outbox,
        begin: () => Promise.resolve(),
        send: () => Promise.reject(new Error('nothing is sent')),
        pending,
        chainHead: () => Promise.resolve(CHAIN_START),
        settle: (_, envelope, { statement }) => {
          if (!equal(statement.digest, envelope.digest)) throw new Error('settled by a receipt for another envelope')
          settled += 1
          return Promise.resolve()
        },
        idle: () => Promise.resolve(),
        end: () => {},
      },
      outboxId: outbox,
      peer: { keys: [bob.publicKey] },
      ownKeys: [alice.publicKey],
      position: { next: 1, offset: 0, digest: new Uint8Array(32) },
      send: () => undefined,
    })
    await sender.run()
    const receipt: SignedStatement = { statement: input, signature: await bob.sign(pae(RECEIPT_TYPE, input)) }
    const word = await sender
      .receipt(receipt)
      .then(() => sender.settled)
      .then(() => 'settled', codeOf)
    if ((settled === 1) !== (word === 'settled')) throw new Error(`${word}, and ${settled} settled`)
    return word
  },
}
