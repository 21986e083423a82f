/** What is sealed with the right keys and is wrong all the same: the peer itself lies. */
import { describe, expect, test } from 'vitest'
import { concat, copy, hex } from '../../src/bytes.ts'
import { aeadKey, open, seal } from '../../src/crypto/aead.ts'
import { wrap } from '../../src/crypto/signature.ts'
import type { ServerHandshake } from '../../src/handshake/server.ts'
import { type Entropy, systemEntropy, type Trust } from '../../src/handshake/step.ts'
import { decode, encode, lengthPrefixed } from '../../src/wire/codec.ts'
import { HEADER_LENGTH, type Proof, proof, refusal, sessionKey } from '../../src/wire/frames.ts'
import { type Knowledge, type Machines, machines } from '../harness/handshake.ts'
import { freshSigner } from '../harness/signer.ts'

const client = freshSigner()
const server = freshSigner()
const stranger = freshSigner()

interface Talk extends Machines {
  /** sHs and cHs, as one side observed them. */
  readonly secrets: ReadonlyMap<string, Uint8Array>
}

function talk(more: { server?: Partial<ServerHandshake>; serverKnows?: Partial<Knowledge>; client?: typeof client } = {}): Talk {
  const secrets = new Map<string, Uint8Array>()
  const observe = (name: string, value: Uint8Array): void => void secrets.set(name, copy(value))
  const both = machines({
    client: { identity: more.client ?? client, peer: { keys: [server.publicKey] } },
    server: { identities: [server], observe, ...more.server },
    ...(more.serverKnows && { serverKnows: more.serverKnows }),
  })
  both.server.feed(both.client.sent[0]!)
  return { ...both, secrets }
}

/** A frame whose plaintext has been changed, and sealed again. */
function forged(
  frame: Uint8Array,
  secret: Uint8Array,
  seq: number,
  sealedAt: number,
  change: (plain: Uint8Array) => Uint8Array,
): Uint8Array {
  const [header, body] = [frame.subarray(0, HEADER_LENGTH), frame.subarray(sealedAt)]
  const plain = open(aeadKey(secret), seq, header, body)!
  const changed = change(copy(plain))
  expect(changed.length).toBe(plain.length)
  return concat(frame.subarray(0, sealedAt), seal(aeadKey(secret), seq, header, changed))
}

const SEALED_AT = HEADER_LENGTH + 32 + 1120

function inProof(change: (fields: Proof) => Partial<Proof>): (plain: Uint8Array) => Uint8Array {
  return (plain) => {
    const fields = decode(proof, plain)
    return encode(proof, { ...fields, ...change(fields) })
  }
}

const flip = (bytes: Uint8Array, at: number): Uint8Array => copy(bytes).with(at, bytes[at]! ^ 1)

/** Lies that both proofs can tell. */
const LIES: readonly (readonly [string, (plain: Uint8Array) => Uint8Array, 'form' | 'proof'])[] = [
  ['padding that is not zero', (plain) => flip(plain, 4095), 'form'],
  ['a byte right behind the MAC', (plain) => flip(plain, 4 + plain[3]! + 4 + 64 + 32), 'form'],
  ['a payload a byte short', inProof(({ payload }) => ({ payload: payload.subarray(1) })), 'form'],
  ['a payload a byte long', inProof(({ payload }) => ({ payload: concat(payload, Uint8Array.of(0)) })), 'form'],
  ['lengths past the end', (plain) => concat(Uint8Array.of(0xff, 0xff, 0xff, 0xff), plain.subarray(4)), 'form'],
  ['another signature', inProof(({ signature }) => ({ signature: flip(signature, 0) })), 'proof'],
  ['no signature', inProof(() => ({ signature: new Uint8Array(0) })), 'proof'],
  ['a signature a byte long', inProof(({ signature }) => ({ signature: concat(signature, Uint8Array.of(0)) })), 'proof'],
  ['another MAC', inProof(({ mac }) => ({ mac: flip(mac, 31) })), 'proof'],
  ['another payload', inProof(({ payload }) => ({ payload: flip(payload, 40) })), 'proof'],
  ['another keyId', inProof(({ payload }) => ({ payload: concat(stranger.publicKey.id, payload.subarray(32)) })), 'proof'],
]

describe('HELLO+ACK, sealed with the right key, with', () => {
  test.each(LIES)('%s ends the client, which sends nothing and does not name itself', (_, lie, kind) => {
    const { client: side, server: other, secrets } = talk()
    side.feed(forged(other.sent[0]!, secrets.get('sHs')!, 0, SEALED_AT, lie))
    expect([side.outcome, side.sent.length]).toEqual([kind === 'form' ? 'ENCODING' : 'WRONG_PEER', 1])
  })
})

/** A text that an opened refusal says. */
function refusalOf({ server: side, secrets }: Talk): { readonly status: number; readonly text: string } {
  const frame = side.sent[1]!
  expect(frame.length).toBe(4 + 1040)
  const { status, text } = decode(refusal, open(aeadKey(secrets.get('sHs')!), 1, frame.subarray(0, 4), frame.subarray(4))!)
  return { status, text: Buffer.from(text).toString() }
}

function withAck(change: (plain: Uint8Array) => Uint8Array, more: Parameters<typeof talk>[0] = {}): Talk {
  const both = talk(more)
  both.client.feed(both.server.sent[0]!)
  both.server.feed(forged(both.client.sent[1]!, both.secrets.get('cHs')!, 0, HEADER_LENGTH, change))
  return both
}

const FIXED = { status: 1, text: 'not trusted' }

describe('ACK, sealed with the right key, with', () => {
  test.each(LIES.filter(([, , kind]) => kind === 'form'))('%s ends the server in silence', (_, lie) => {
    const { server: side } = withAck(lie)
    expect([side.outcome, side.sent.length]).toEqual(['ENCODING', 1])
  })

  test.each([
    ['a next of 0', 64, new Uint8Array(8)],
    ['a next above 2^53', 64, Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 1)],
    ['an offset without a digest', 72, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1)],
    ['a digest without an offset', 80, Uint8Array.of(1)],
    ['receives of 2', 120, Uint8Array.of(2)],
  ])('%s ends the server in silence', (_, at, bytes) => {
    const change = inProof(({ payload }) => ({
      payload: concat(payload.subarray(0, at), bytes, payload.subarray(at + bytes.length)),
    }))
    const { server: side } = withAck(change)
    expect([side.outcome, side.sent.length]).toEqual(['ENCODING', 1])
  })

  test.each(LIES.filter(([, , kind]) => kind === 'proof'))('%s is refused with the one fixed answer', (_, lie) => {
    const both = withAck(lie)
    expect(both.server.outcome).toBe('UNTRUSTED')
    expect(refusalOf(both)).toEqual(FIXED)
    both.client.feed(both.server.sent[1]!)
    expect(both.client.outcome).toBe('UNTRUSTED')
  })

  test('an unknown keyId and a right proof is refused with the same answer', () => {
    const both = withAck((plain) => plain, { serverKnows: { trust: () => undefined } })
    expect(both.server.outcome).toBe('UNTRUSTED')
    expect(refusalOf(both)).toEqual(FIXED)
  })

  test('the keyId of a peer that is known by other keys alone is refused with the same answer', () => {
    const both = withAck((plain) => plain, { serverKnows: { trust: () => ({ peer: { keys: [stranger.publicKey] } }) } })
    expect(refusalOf(both)).toEqual(FIXED)
  })

  const knows: Record<string, Partial<Knowledge>> = {
    revoked: { trust: (): Trust => ({ revoked: client.publicKey }) },
    busy: { locate: () => undefined },
  }

  test.each(Object.keys(knows))('a wrong MAC says nothing of %s', (name) => {
    const lie = inProof(({ mac }) => ({ mac: flip(mac, 0) }))
    expect(refusalOf(withAck(lie, { serverKnows: knows[name]! }))).toEqual(FIXED)
  })

  test('a wrong signature says nothing of the server’s own keys', () => {
    const lie = inProof(({ signature }) => ({ signature: flip(signature, 0) }))
    const identities = [client, server]
    expect(refusalOf(withAck(lie, { server: { identities } }))).toEqual(FIXED)
    expect(refusalOf(withAck((plain) => plain, { server: { identities } })).status).toBe(4)
  })
})

describe('SESSION-KEY, sealed with the right key, with', () => {
  function withLast(change: (plain: Uint8Array) => Uint8Array, more: Parameters<typeof talk>[0] = {}): Machines['client'] {
    const both = talk(more)
    both.client.feed(both.server.sent[0]!)
    both.server.feed(both.client.sent[1]!)
    both.client.feed(forged(both.server.sent[1]!, both.secrets.get('sHs')!, 1, HEADER_LENGTH, change))
    return both.client
  }
  type Body = ReturnType<typeof readBody>
  const readBody = (plain: Uint8Array) => decode(sessionKey, plain)
  const inBody = (change: (body: Body) => Partial<Body>) => (plain: Uint8Array) => {
    const body = readBody(plain)
    return encode(sessionKey, { ...body, ...change(body) })
  }

  test('nothing changed is accepted', () => {
    expect(withLast((plain) => plain).outcome).toBe('established')
  })

  test.each([
    ['padding that is not zero', (plain: Uint8Array) => flip(plain, 1023), 'ENCODING'],
    ['data a byte short', inBody(({ data }) => ({ data: data.subarray(1) })), 'ENCODING'],
    ['data a byte long', inBody(({ data }) => ({ data: concat(data, Uint8Array.of(0)) })), 'ENCODING'],
    ['a position that cannot be', inBody(({ data }) => ({ data: flip(data, 31) })), 'ENCODING'],
    ['another session key', inBody(({ wrapped }) => ({ wrapped: flip(wrapped, 0) })), 'NOT_AUTHENTIC'],
    ['a session key a byte short', inBody(({ wrapped }) => ({ wrapped: wrapped.subarray(1) })), 'NOT_AUTHENTIC'],
    ['a session key a byte long', inBody(({ wrapped }) => ({ wrapped: concat(wrapped, Uint8Array.of(0)) })), 'NOT_AUTHENTIC'],
    ['no session key', inBody(() => ({ wrapped: new Uint8Array(0) })), 'NOT_AUTHENTIC'],
    ['another journal', inBody(({ data }) => ({ data: flip(data, 0) })), 'NOT_AUTHENTIC'],
    ['another confirmation', inBody(({ confirm }) => ({ confirm: flip(confirm, 0) })), 'NOT_AUTHENTIC'],
  ] as const)('%s ends the client, which sends nothing', (_, change, code) => {
    const side = withLast(change)
    expect([side.outcome, side.sent.length]).toEqual([code, 2])
  })

  test.each([
    [1, 'UNTRUSTED'],
    [2, 'REVOKED'],
    [3, 'BUSY'],
    [4, 'OWN_KEY'],
    [5, 'REFUSED'],
    [255, 'REFUSED'],
  ])('status %i is a refusal', (status, code) => {
    const refuse = (text: Uint8Array) => (): Uint8Array => encode(refusal, { status, text })
    const side = withLast(refuse(Buffer.from('why\u001b[2J')))
    expect(side.outcome).toBe(code)
    expect(side.error!.message).toContain('why\\u{1b}[2J')
    expect(withLast(refuse(Buffer.alloc(1019, 'x'))).outcome).toBe(code)
    expect(withLast(refuse(Uint8Array.of(0xff))).error!.message).toContain('not UTF-8')
    expect(withLast(() => flip(encode(refusal, { status, text: new Uint8Array(0) }), 1000)).outcome).toBe('ENCODING')
  })

  test('a refusal whose text is longer than the frame holds does not decode', () => {
    const long = concat(Uint8Array.of(1), lengthPrefixed(new Uint8Array(1019))).with(4, 0xfc)
    expect(withLast(() => long).outcome).toBe('ENCODING')
  })
})

describe('a session key wrapped for an RSA identity', () => {
  const rsa = freshSigner('rsa')
  const outcome = (wrapping: Entropy['wrap']): string => {
    const both = talk({ client: rsa, server: { entropy: { ...systemEntropy, wrap: wrapping } } })
    both.client.feed(both.server.sent[0]!)
    both.server.feed(both.client.sent[1]!)
    both.client.feed(both.server.sent[1]!)
    return both.client.outcome
  }

  test.each([
    ['under the label of this handshake is accepted', wrap, 'established'],
    ['under another label ends at the confirmation', (key, secret, label) => wrap(key, secret, flip(label, 40)), 'NOT_AUTHENTIC'],
    ['that is no OAEP ends alike', (key) => new Uint8Array(key.signatureLength).fill(1), 'NOT_AUTHENTIC'],
    ['that unwraps to 31 bytes ends alike', (key, secret, label) => wrap(key, secret.subarray(1), label), 'NOT_AUTHENTIC'],
    ['that is the bare key ends alike', (_, secret) => copy(secret), 'NOT_AUTHENTIC'],
  ] satisfies [string, Entropy['wrap'], string][])('%s', (_, wrapping, code) => {
    expect(outcome(wrapping)).toBe(code)
  })
})

test('a client never talks to a peer that has its own key', () => {
  const both = machines({ client: { identity: client, peer: { keys: [server.publicKey, client.publicKey] } } })
  expect([both.client.outcome, both.client.sent.length]).toEqual(['OWN_KEY', 0])
})

test('a server goes on as the one of its identities whose gate holds', () => {
  const older = freshSigner()
  const both = talk({ server: { identities: [older, server] } })
  both.client.feed(both.server.sent[0]!)
  expect(both.client.outcome).toBe('waiting')
  const plain = open(
    aeadKey(both.secrets.get('sHs')!),
    0,
    both.server.sent[0]!.subarray(0, 4),
    both.server.sent[0]!.subarray(SEALED_AT),
  )!
  expect(hex(decode(proof, plain).payload.subarray(0, 32))).toBe(hex(server.publicKey.id))
})

describe('an ephemeral key that gives no secret', () => {
  const entropy = (publicKey: Uint8Array): Entropy => ({
    ...systemEntropy,
    kem: { ...systemEntropy.kem, generate: () => ({ ...systemEntropy.kem.generate(), publicKey }) },
  })

  test.each([
    ['an X25519 key of zeros', (key: Uint8Array) => concat(key.subarray(0, 1184), new Uint8Array(32))],
    ['an ML-KEM key that is not reduced', (key: Uint8Array) => concat(new Uint8Array(3).fill(0xff), key.subarray(3))],
  ])('in HELLO, %s, is handled like a gate that does not hold', (_, change) => {
    const publicKey = change(systemEntropy.kem.generate().publicKey)
    const both = machines({ client: { identity: client, entropy: entropy(publicKey) }, server: { identities: [server] } })
    const { client: side } = machines({
      client: { identity: client, peer: { keys: [server.publicKey] }, entropy: entropy(publicKey) },
    })
    both.server.feed(side.sent[0]!)
    expect([both.server.outcome, both.server.sent.length]).toEqual(['HELLO_REJECTED', 0])
  })

  test('in HELLO+ACK ends the client', () => {
    const both = talk()
    const answer = both.server.sent[0]!
    both.client.feed(concat(answer.subarray(0, SEALED_AT - 32), new Uint8Array(32), answer.subarray(SEALED_AT)))
    expect([both.client.outcome, both.client.sent.length]).toEqual(['NOT_AUTHENTIC', 1])
  })
})
