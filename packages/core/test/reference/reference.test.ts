import { describe, expect, test } from 'vitest'
import { bodyOf, bytesOf, hexed, type OpenedVector, type PositionVector, read } from '../vectors/read.ts'
import { envelopeOf, itemOf, messageOf, receiptOf } from './envelope.ts'
import { ackOf, type Position, helloAckOf, helloOf, oaepLabel, refusalOf, sessionKeyOf, trafficSecretsOf } from './handshake.ts'
import { isRsa, keyIdOf, spkiOf, unwrap, verify, xwing } from './keys.ts'
import { open } from './primitives.ts'
import { Direction } from './records.ts'

const { identities } = read('identities.json')
const { handshakes } = read('handshakes.json')
const { refusals } = read('refusals.json')
const records = read('records.json')
const { deliveries } = read('deliveries.json')

test.each(Object.entries(identities))('identity %s', (_, { privateKey, spki, keyId }) => {
  expect(hexed([spkiOf(privateKey), keyIdOf(privateKey)])).toEqual([spki, keyId])
})

function position({ digest, ...numbers }: PositionVector): Position {
  return { ...numbers, digest: bytesOf(digest) }
}

/** HELLO, HELLO+ACK and ACK, made again of nothing but what the vector gives as input. */
function openingOf({ client, server, kem, ...vector }: OpenedVector) {
  const [clientKey, serverKey] = [identities[client.identity]!, identities[server.identity]!]
  const serverKeyId = keyIdOf(serverKey.privateKey)
  const pair = xwing(bytesOf(kem.mlkemSeed), bytesOf(kem.x25519Private), bytesOf(kem.ciphertext))
  const hello = helloOf(serverKeyId, bytesOf(vector.HELLO.random), pair.publicKey)
  const helloAck = helloAckOf(hello.t1, {
    random: bytesOf(vector['HELLO+ACK'].random),
    ciphertext: bytesOf(kem.ciphertext),
    sharedSecret: pair.sharedSecret,
    keyId: serverKeyId,
    outbox: bytesOf(server.outbox),
    signature: bytesOf(vector['HELLO+ACK'].signature),
  })
  const ack = ackOf(helloAck.t2, helloAck.cHs, {
    serverKeyId,
    keyId: keyIdOf(clientKey.privateKey),
    outbox: bytesOf(client.outbox),
    journal: bytesOf(client.journal),
    position: position(client.position),
    maxItem: client.maxItem,
    receives: client.receives,
    signature: bytesOf(vector.ACK.signature),
  })
  return { pair, hello, helloAck, ack, clientKey, serverKey }
}

function checkOpening(vector: OpenedVector): ReturnType<typeof openingOf> {
  const made = openingOf(vector)
  const { pair, hello, helloAck, ack, serverKey } = made
  const { random } = vector.HELLO
  expect(vector.kem).toMatchObject(hexed({ ...pair }))
  expect(vector.HELLO).toEqual({ random, ...hexed(hello) })
  const { random: answered, signature } = vector['HELLO+ACK']
  expect(vector['HELLO+ACK']).toEqual({ random: answered, signature, ...hexed(helloAck) })
  expect(vector.ACK).toEqual({ signature: vector.ACK.signature, ...hexed(ack) })
  expect(verify(bytesOf(serverKey.spki), helloAck.signed, bytesOf(signature))).toBe(true)
  return made
}

describe.each(handshakes)('handshake $name', (vector) => {
  test('has the same transcripts, keys, signed bytes and frames, and signatures that verify', () => {
    const { helloAck, ack, clientKey } = checkOpening(vector)
    expect(verify(bytesOf(clientKey.spki), ack.signed, bytesOf(vector.ACK.signature))).toBe(true)
    const { sessionKey, wrapped } = vector['SESSION-KEY']
    const { journal, maxItem } = vector.server
    const last = sessionKeyOf(ack.t3, helloAck.hs, helloAck.sHs, {
      sessionKey: bytesOf(sessionKey),
      wrapped: bytesOf(wrapped),
      journal: bytesOf(journal),
      position: position(vector.server.position),
      maxItem,
    })
    expect(vector['SESSION-KEY']).toEqual({ sessionKey, wrapped, ...hexed(last) })
    const { privateKey } = clientKey
    const unwrapped = isRsa(privateKey) ? unwrap(privateKey, oaepLabel(ack.t3), bytesOf(wrapped)) : bytesOf(wrapped)
    expect(unwrapped.toString('hex')).toBe(sessionKey)
    expect(vector.traffic).toEqual(hexed(trafficSecretsOf(last.master, last.t4)))
  })

  test('has the frames that the protocol lays out', () => {
    const lengths = [vector.HELLO, vector['HELLO+ACK'], vector.ACK, vector['SESSION-KEY']].map(({ frame }) => frame.length / 2)
    expect(lengths).toEqual([4 + 1288, 4 + 5264, 4 + 4112, 4 + 1040])
  })
})

describe.each(refusals)('$name', (vector) => {
  test('has the same transcripts and keys, and the same refusal', () => {
    const { helloAck, ack, clientKey } = checkOpening(vector)
    const holds = verify(bytesOf(clientKey.spki), ack.signed, bytesOf(vector.ACK.signature))
    expect(holds).toBe(vector.why !== 'wrong signature')
    const { status, text } = vector['SESSION-KEY']
    expect(vector['SESSION-KEY']).toEqual({ status, text, ...hexed(refusalOf(helloAck.sHs, status, text)) })
  })
})

test('an unknown client and one whose signature is wrong are told the same', () => {
  const [unknown, wrong] = refusals.filter(({ why }) => why === 'unknown' || why === 'wrong signature')
  expect(unknown!['SESSION-KEY'].plaintext).toBe(wrong!['SESSION-KEY'].plaintext)
})

test('the conversation has the same records, each direction by itself', () => {
  const { traffic } = handshakes.find(({ name }) => name === records.handshake)!
  const directions = { client: new Direction(bytesOf(traffic.cAp.secret)), server: new Direction(bytesOf(traffic.sAp.secret)) }
  for (const { from, kind, payload, ...sealed } of records.conversation) {
    expect(hexed(directions[from].record(kind, bytesOf(payload)))).toEqual(sealed)
    const frame = bytesOf(sealed.frame)
    const opened = open(bytesOf(sealed.secret), sealed.seq, frame.subarray(0, 4), frame.subarray(4))
    expect(opened.toString('hex')).toBe(Buffer.of(kind).toString('hex') + payload)
  }
})

test.each(records.far)('the record with the sequence number $seq', ({ kind, payload, secret, seq, ...sealed }) => {
  const made = new Direction(bytesOf(secret), seq).record(kind, bytesOf(payload))
  expect(hexed(made)).toEqual({ secret, seq, ...sealed })
})

describe.each(deliveries)('delivery: $name', ({ sender, receiver, outbox, journal, messages, sessions, receipts }) => {
  const from = identities[sender]!
  const to = identities[receiver]!
  const itemsOf = (name: string): Buffer[] => {
    const { items } = messages.find((message) => message.name === name)!
    return items.map((item) => itemOf(bytesOf(item.salt), item.attributes, bodyOf(item)))
  }

  test.each(messages)('message $name has the same leaves, statement and digest, and a signature that verifies', (message) => {
    const { name, first, sentAt, items, signature, statement, signed, digest } = message
    const parties = { from: bytesOf(from.keyId), to: bytesOf(to.keyId), outbox: bytesOf(outbox) }
    const { leaves, ...made } = messageOf({ ...parties, first, sentAt }, itemsOf(name))
    expect(hexed(made)).toEqual({ statement, signed, digest })
    expect(hexed(leaves)).toEqual(items.map(({ leaf }) => leaf))
    expect(itemsOf(name).map(({ length }) => length)).toEqual(items.map(({ length }) => length))
    expect(verify(bytesOf(from.spki), made.signed, bytesOf(signature))).toBe(true)
  })

  test('envelopes have the same bytes before their items', () => {
    for (const { message: name, form, head } of sessions.flatMap(({ envelopes }) => envelopes)) {
      const { statement, signature } = messages.find((message) => message.name === name)!
      const items = itemsOf(name)
      const whole = envelopeOf(bytesOf(statement), bytesOf(signature), form, items)
      const rest = typeof form === 'string' ? 0 : items.reduce((sum, { length }) => sum + length, 0) - form.offset
      expect(whole.subarray(0, whole.length - rest).toString('hex')).toBe(head)
    }
  })

  test('receipts have the same statements and continue one chain, and their signatures verify', () => {
    let chain: Buffer = Buffer.alloc(32)
    for (const [i, { outcome, receivedAt, index, before, signature, ...sealed }] of receipts.entries()) {
      const answered = sessions.flatMap(({ envelopes }) => envelopes).find(({ receipt }) => receipt === index)!
      const message = messages.find(({ name }) => name === answered.message)!
      const made = receiptOf(chain, bytesOf(message.signature), {
        from: bytesOf(to.keyId),
        to: bytesOf(from.keyId),
        outbox: bytesOf(outbox),
        first: message.first,
        count: message.items.length,
        digest: bytesOf(message.digest),
        outcome,
        receivedAt,
        journal: bytesOf(journal),
        index,
      })
      expect([index, before]).toEqual([i + 1, chain.toString('hex')])
      expect(hexed(made)).toEqual(sealed)
      expect(verify(bytesOf(to.spki), made.signed, bytesOf(signature))).toBe(true)
      chain = made.chain
    }
  })
})
