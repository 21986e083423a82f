import { describe, expect, test } from 'vitest'
import { concat, hex } from '../../src/bytes.ts'
import { readPrivateKey } from '../../src/crypto/keys.ts'
import type { Identity } from '../../src/crypto/signature.ts'
import type { OutgoingEnvelope } from '../../src/delivery/compose.ts'
import type { Journal } from '../../src/delivery/journal.ts'
import { type ChainHead, CHAIN_START, type Outbox } from '../../src/delivery/outbox.ts'
import { Sender } from '../../src/delivery/sender.ts'
import { signer } from '../harness/signer.ts'
import { type Arriving, clock, hear, type Heard, itemBytes, journalOf, type Parties } from './deliveries.ts'
import { bodyOf, bytesOf, type DeliveryVector, type EnvelopeVector, read } from './read.ts'

const { identities } = read('identities.json')
const { deliveries } = read('deliveries.json')

const keys = new Map(Object.entries(identities).map(([name, { privateKey }]) => [name, readPrivateKey(privateKey)]))

/** Answers what the vector has signed with the vector's signature, and signs nothing else. */
function replaying(name: string, all: readonly { readonly signed: string; readonly signature: string }[]): Identity {
  return signer(keys.get(name)!, (message) => {
    const found = all.find(({ signed }) => signed === hex(message))
    if (found === undefined) throw new Error('the vectors have signed no such thing')
    return bytesOf(found.signature)
  })
}

function partiesOf({ sender, receiver, outbox, journal, messages, receipts }: DeliveryVector): Parties {
  return {
    sender: replaying(sender, messages),
    receiver: replaying(receiver, receipts),
    outbox: bytesOf(outbox),
    journal: bytesOf(journal),
  }
}

function messageOf({ messages }: DeliveryVector, { message }: EnvelopeVector): DeliveryVector['messages'][number] {
  return messages.find(({ name }) => name === message)!
}

/** The bytes of an envelope as far as they arrive. */
function wireOf(delivery: DeliveryVector, envelope: EnvelopeVector): Uint8Array {
  const { form, head, cut } = envelope
  if (typeof form === 'string') return bytesOf(head)
  return concat(bytesOf(head), concat(...messageOf(delivery, envelope).items.map(itemBytes)).subarray(form.offset, cut))
}

/** Cut into pieces; of what is very long only the start is. */
function pieces(bytes: Uint8Array, length: number): Uint8Array[] {
  const short = bytes.subarray(0, 65_536)
  const cut = Array.from({ length: Math.ceil(short.length / length) }, (_, i) => short.subarray(i * length, (i + 1) * length))
  return bytes.length > short.length ? [...cut, bytes.subarray(short.length)] : cut
}

/** Plays the sessions up to one of them, or all; answers the last one's ending and the journal behind it. */
async function play(delivery: DeliveryVector, piece: number): Promise<{ readonly heard: Heard[]; readonly journal: Journal }> {
  const journal = journalOf(delivery)
  const now = clock()
  const heard: Heard[] = []
  for (const { announced, envelopes } of delivery.sessions) {
    const wires = envelopes.map((envelope) => ({
      pieces: pieces(wireOf(delivery, envelope), piece),
      whole: envelope.cut === undefined,
    }))
    heard.push(await hear(partiesOf(delivery), journal, delivery.refuses, now, announced, wires))
  }
  return { heard, journal }
}

describe.each(deliveries)('$name', (delivery) => {
  const answers = delivery.sessions.map(({ envelopes }) => {
    return envelopes.flatMap(({ receipt }) => {
      const found = receipt === undefined ? undefined : delivery.receipts[receipt - 1]!
      return found ? [{ statement: found.statement, signature: found.signature }] : []
    })
  })

  test.each([
    ['whole', 65_536],
    ['byte by byte', 1],
    ['in pieces of a hundred bytes', 100],
  ])('received %s, is answered with the same receipts, byte for byte', async (_, piece) => {
    const { heard } = await play(delivery, piece)
    expect(heard.map(({ error }) => error)).toEqual(answers.map(() => undefined))
    const given = heard.map(({ receipts }) =>
      receipts.map(({ statement, signature }) => ({ statement: hex(statement), signature: hex(signature) })),
    )
    expect(given).toEqual(answers)
    const stored = delivery.receipts.filter(({ outcome }) => outcome <= 2).map(({ index }) => index)
    const bodies = delivery.sessions
      .flatMap(({ envelopes }) => envelopes)
      .filter(({ receipt, form }) => stored.includes(receipt ?? 0) && form !== 'short')
      .flatMap((envelope) => messageOf(delivery, envelope).items.map(bodyOf))
    expect(heard.flatMap((session) => session.bodies).map(hex)).toEqual(bodies.map(hex))
  })

  test('sent from the positions that were announced, is the same envelopes; its receipts are taken in turn', async () => {
    const heads = new Map<string, ChainHead>()
    let taken = 0
    for (const { announced, envelopes } of delivery.sessions) {
      // A sender waits for one receipt of an envelope, and sends it once in a session.
      const once = envelopes.filter((envelope, i) => envelopes.findIndex(({ message }) => message === envelope.message) === i)
      const known = delivery.receipts.filter(({ index }) => !once.some(({ receipt }) => receipt === index) && index <= taken)
      const last = known.at(-1)
      if (last) heads.set(delivery.journal, { index: last.index, chain: bytesOf(last.chain) })
      else heads.clear()
      const sent = await sendAll(delivery, announced, once, heads)
      const expected = once.map((envelope) => hex(wireOf(delivery, envelope)))
      expect(sent.map((wire, i) => hex(wire).slice(0, expected[i]!.length))).toEqual(expected)
      const whole = once.map((envelope, i) => envelope.cut !== undefined || sent[i]!.length === expected[i]!.length / 2)
      expect(whole).toEqual(once.map(() => true))
      taken = Math.max(taken, ...once.map(({ receipt }) => receipt ?? 0))
    }
    expect(taken).toBe(delivery.receipts.length)
  })
})

/** One session of a sender: what it sends of each envelope; throws where it takes a receipt amiss. */
async function sendAll(
  delivery: DeliveryVector,
  announced: DeliveryVector['sessions'][number]['announced'],
  envelopes: readonly EnvelopeVector[],
  heads: ReadonlyMap<string, ChainHead>,
): Promise<Uint8Array[]> {
  const { sender, receiver, outbox } = partiesOf(delivery)
  const outgoing = envelopes.map((envelope): OutgoingEnvelope => {
    const { statement, signature, digest, first, items } = messageOf(delivery, envelope)
    return {
      message: { statement: bytesOf(statement), signature: bytesOf(signature) },
      digest: bytesOf(digest),
      first,
      count: items.length,
      lengths: items.map(({ length }) => length),
      withdrawn: envelope.form === 'withdrawn',
      async *read(offset) {
        yield concat(...items.map(itemBytes)).subarray(offset)
      },
    }
  })
  const sent: Uint8Array[] = []
  let parts: Uint8Array[] = []
  const settled: number[] = []
  const own: Pick<Outbox, 'pending' | 'chainHead' | 'settle'> = {
    async *pending() {
      yield* outgoing
    },
    chainHead: (_, journal) => Promise.resolve(heads.get(hex(journal)) ?? CHAIN_START),
    settle: (_, __, { statement }) => Promise.resolve(void settled.push(statement.index)),
  }
  const sending = new Sender({
    outbox: own as Outbox,
    outboxId: outbox,
    peer: { keys: [receiver.publicKey] },
    ownKeys: [sender.publicKey],
    position: { ...announced, digest: bytesOf(announced.digest) },
    send: (kind, payload) => {
      parts.push(...payload)
      if (kind === 'MESSAGE-END') {
        sent.push(concat(...parts))
        parts = []
      }
      return undefined
    },
  })
  await sending.run()
  const expected = envelopes.flatMap(({ receipt }) => receipt ?? [])
  for (const index of expected) {
    const { statement, signature } = delivery.receipts[index - 1]!
    await sending.receipt({ statement: bytesOf(statement), signature: bytesOf(signature) })
  }
  expect(settled).toEqual(expected)
  return sent
}

describe('an envelope cut after any byte', () => {
  const short = deliveries.flatMap((delivery) => {
    const [session] = delivery.sessions
    return session!.envelopes
      .map((envelope, i) => ({
        name: `${delivery.name}: ${envelope.message}`,
        delivery,
        before: session!.envelopes.slice(0, i),
        envelope,
      }))
      .filter(({ envelope }) => envelope.cut === undefined)
  })

  test.each(short)('$name', async ({ delivery, before, envelope }) => {
    const wire = wireOf(delivery, envelope)
    const wrong: unknown[] = []
    // Where signatures are long, most offsets lie in them: every seventh will do.
    const step = wire.length > 2000 && process.env['TEST_FULL'] === undefined ? 7 : 1
    for (let length = 0; length < wire.length; length += step) {
      for (const whole of [false, true]) {
        if (length === 0 && !whole) continue
        const prelude: Arriving[] = before.map((earlier) => ({ pieces: [wireOf(delivery, earlier)], whole: true }))
        const arriving = [...prelude, { pieces: [wire.subarray(0, length)], whole }]
        const { announced } = delivery.sessions[0]!
        const { receipts, bodies, error } = await hear(
          partiesOf(delivery),
          journalOf(delivery),
          delivery.refuses,
          clock(),
          announced,
          arriving,
        )
        const items = before.flatMap((earlier) => (earlier.form === 'withdrawn' ? [] : messageOf(delivery, earlier).items))
        const delivered = items.filter(({ attributes }) => attributes['content-type'] !== delivery.refuses)
        // Cut by the end of the stream it is abandoned; by a MESSAGE-END before its time it is an error.
        const right =
          receipts.length === before.length && bodies.length === delivered.length && error === (whole ? 'ENCODING' : undefined)
        if (!right) wrong.push([length, whole, error, receipts.length, bodies.length])
      }
    }
    expect(wrong).toEqual([])
  })
})
