/** Handshakes whose peer holds the right keys and sends what it likes: nothing but errors of this package may come out. */
import {
  aeadKey,
  clientPayload,
  concat,
  encode,
  frameHeader,
  hmac,
  label,
  lengthPrefixed,
  NO_POSITION,
  proof,
  random,
  seal,
  serverPayload,
  sessionKey,
  sessionKeyData,
  sha256,
  signatureContext,
} from '@countersign/core/protocol'
import { clientHandshake, serverHandshake } from '@countersign/core/protocol'
import { frame, gateOf } from '../harness/handshake.ts'
import { Driven, fixedEntropy, pair } from '../harness/memory.ts'
import type { Target } from './fuzzer.ts'

const nothing = new Uint8Array(0)
const made = pair()
const [clientEntropy, serverEntropy] = [fixedEntropy(), fixedEntropy()]
const common = { outbox: new Uint8Array(16).fill(1), maxItem: 2 ** 53 }
/** The values of the handshake that every input is part of, by their names in the protocol. */
const known = new Map<string, Uint8Array>()
const observe = (name: string, value: Uint8Array): void => void known.set(name, Uint8Array.from(value))

function client(watched?: typeof observe): Driven {
  const peer = { keys: [made.bob.publicKey] }
  const options = { ...common, identity: made.alice, peer, receives: true, entropy: clientEntropy }
  return new Driven(clientHandshake({ ...options, ...(watched && { observe: watched }) }))
}

function server(watched?: typeof observe): Driven {
  const options = { ...common, identities: [made.bob], entropy: serverEntropy }
  const trusted = { peer: { keys: [made.alice.publicKey] } }
  return new Driven(serverHandshake({ ...options, ...(watched && { observe: watched }) }), (keyId) =>
    Buffer.compare(keyId, made.alice.publicKey.id) === 0 ? trusted : undefined,
  )
}

const [left, right] = [client(), server(observe)]
const helloFrame = left.sent[0]!
const answerFrame = right.feed(helloFrame).sent[0]!
const ackFrame = left.feed(answerFrame).sent[1]!
right.feed(ackFrame)

function side(secret: Uint8Array): { aead: ReturnType<typeof aeadKey>; finished: Uint8Array } {
  return { aead: aeadKey(secret), finished: label(secret, 'finished', nothing, 32) }
}
const [sHs, cHs] = [side(known.get('sHs')!), side(known.get('cHs')!)]
const [t2k, t2, t3, hs] = ['t2k', 't2', 't3', 'hs'].map((name) => known.get(name)!) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
]

function padded(plain: Uint8Array, length: number): Uint8Array {
  return concat(plain.subarray(0, length), new Uint8Array(Math.max(0, length - plain.length)))
}

/** What a side may end with, and what it must not: an established session with anybody but the one who proved himself. */
function word(driven: Driven, done: boolean): string {
  if (driven.state === 'done' && !done) throw new Error('it took what was not proved')
  driven.end()
  return driven.state
}

const helloBody = helloFrame.subarray(4, -32)

export const hello: Target = {
  name: 'handshake-hello',
  promise: 'a HELLO with a right gate and any ephemeral key, version and magic is answered or rejected, and nothing else',
  covers: /core\/src\/(handshake\/server|wire\/frames|crypto\/kem)/,
  longest: 1256,
  seeds: [helloBody],
  run(input) {
    const before = concat(frameHeader('HELLO'), padded(input, 1256))
    const driven = server().feed(concat(before, gateOf(made.bob.publicKey.id, before)))
    const answered = driven.sent.length
    if (answered > 0 !== (driven.state === 'waits')) throw new Error(`${driven.state}, and ${answered} frames sent`)
    return word(driven, false)
  },
}

const ackPayload = encode(clientPayload, {
  keyId: made.alice.publicKey.id,
  outbox: random(16),
  journal: random(16),
  position: NO_POSITION,
  maxItem: 5,
  receives: 1,
})

/** An ACK around these bytes: as its whole plaintext, or as a payload that is proved. */
function ack(input: Uint8Array): { bytes: Uint8Array; proved: boolean } {
  const proved = (input[0]! & 1) === 1
  const rest = input.subarray(1)
  const payload = rest.subarray(0, 3900)
  const tc = sha256(t2, made.bob.publicKey.id, lengthPrefixed(payload))
  const signature = proved ? (made.alice.sign(concat(signatureContext('client handshake'), tc)) as Uint8Array) : nothing
  const mac = hmac(cHs.finished, sha256(tc, lengthPrefixed(signature)))
  const plain = proved ? encode(proof, { payload, signature, mac }) : padded(rest, 4096)
  return { bytes: frame('ACK', seal(cHs.aead, 0, frameHeader('ACK'), plain)), proved }
}

export const serverAck: Target = {
  name: 'handshake-ack',
  promise: 'an ACK sealed with the right key ends in a session with the one who proved himself, a refusal, or an error',
  covers: /core\/src\/(handshake\/server|wire\/frames)/,
  longest: 4_097,
  seeds: [
    concat(Uint8Array.of(1), ackPayload),
    concat(Uint8Array.of(0), encode(proof, { payload: ackPayload, signature: random(64), mac: random(32) })),
  ],
  run(input) {
    if (input.length === 0) return 'empty'
    const { bytes, proved } = ack(input)
    const driven = server().feed(helloFrame).feed(bytes)
    return word(driven, proved)
  },
}

const answerPayload = encode(serverPayload, { keyId: made.bob.publicKey.id, outbox: random(16) })

export const clientAnswer: Target = {
  name: 'handshake-answer',
  promise: 'a HELLO+ACK sealed with the right key makes the client go on only if the pinned server proved itself',
  covers: /core\/src\/(handshake\/client|wire\/frames)/,
  longest: 4_097,
  seeds: [
    concat(Uint8Array.of(1), answerPayload),
    concat(Uint8Array.of(0), encode(proof, { payload: answerPayload, signature: random(64), mac: random(32) })),
  ],
  run(input) {
    if (input.length === 0) return 'empty'
    const proved = (input[0]! & 1) === 1
    const rest = input.subarray(1)
    const payload = rest.subarray(0, 3900)
    const ts = sha256(t2k, lengthPrefixed(payload))
    const signature = proved ? (made.bob.sign(concat(signatureContext('server handshake'), ts)) as Uint8Array) : nothing
    const mac = hmac(sHs.finished, sha256(ts, lengthPrefixed(signature)))
    const plain = proved ? encode(proof, { payload, signature, mac }) : padded(rest, 4096)
    const sealed = seal(sHs.aead, 0, frameHeader('HELLO+ACK'), plain)
    const driven = client().feed(concat(answerFrame.subarray(0, 4 + 32 + 1120), sealed))
    if (driven.sent.length > 1 && !proved) throw new Error('it went on with a server that proved nothing')
    return `${word(driven, false)} ${driven.sent.length}`
  },
}

const data = encode(sessionKeyData, { journal: random(16), position: NO_POSITION, maxItem: 5 })

export const clientKey: Target = {
  name: 'handshake-session-key',
  promise: 'a SESSION-KEY sealed with the right key ends in a session only if it is confirmed, else in a refusal or an error',
  covers: /core\/src\/(handshake\/client|wire\/frames)/,
  longest: 1_025,
  seeds: [
    concat(Uint8Array.of(1), lengthPrefixed(random(32), data)),
    concat(Uint8Array.of(0), encode(sessionKey, { status: 0, wrapped: random(32), data, confirm: random(32) })),
    concat(Uint8Array.of(0, 1), lengthPrefixed(Buffer.from('not trusted'))),
  ],
  run(input) {
    if (input.length === 0) return 'empty'
    const confirmed = (input[0]! & 1) === 1
    const rest = input.subarray(1)
    let plain = padded(rest, 1024)
    if (confirmed) {
      // LP(wrapped) || LP(data) as they stand in the input, however they lie about their lengths; the key is its first 32 bytes.
      const key = rest.subarray(4, 36)
      const master = hmac(label(hs, 'derived', t3, 32), key)
      const confirm = hmac(label(master, 'confirm', t3, 32), sha256(t3, rest))
      plain = padded(concat(Uint8Array.of(0), rest.subarray(0, 980), confirm), 1024)
    }
    const driven = client()
      .feed(answerFrame)
      .feed(frame('SESSION-KEY', seal(sHs.aead, 1, frameHeader('SESSION-KEY'), plain)))
    return word(driven, confirmed)
  },
}
