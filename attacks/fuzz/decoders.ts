/** Decoders: whatever the bytes, they are read to the last one or refused, and what was read encodes to the same bytes. */
import {
  PeerError,
  readPrivateKey,
  readPublicKey,
  LocalError,
  generatePrivateKey,
  privateKeyPem,
  publicKeyPem,
  publicKeyFromSpki,
} from '@countersign/core'
import {
  clientPayload,
  closePayload,
  type Codec,
  decode,
  decodeAttributes,
  encode,
  encodeAttributes,
  hello,
  HELLO_START,
  helloAck,
  itemHead,
  MAX_U64,
  messageStatement,
  NO_POSITION,
  pingPayload,
  position,
  proof,
  random,
  readItemHead,
  receiptPayload,
  receiptStatement,
  refusal,
  serverPayload,
  sessionKey,
  sessionKeyData,
  u64OrMark,
  utf8,
} from '@countersign/core/protocol'
import type { Target } from './fuzzer.ts'

const zeros32 = new Uint8Array(32)
const id = (fill: number, length = 32): Uint8Array => new Uint8Array(length).fill(fill)

/** A codec of some type, and a value that it holds. */
interface Sample {
  readonly name: string
  readonly codec: Codec<unknown>
  readonly value: unknown
}

function sample<T>(name: string, codec: Codec<T>, value: T): Sample {
  return { name, codec, value }
}

const samples: readonly Sample[] = [
  sample('hello', hello, { ...HELLO_START, random: id(1), kemPublic: id(2, 1216), gate: id(3) }),
  sample('helloAck', helloAck, { random: id(1), kemCiphertext: id(2, 1120), sealed: id(3, 4112) }),
  sample('proof', proof, { payload: id(1, 121), signature: id(2, 64), mac: id(3) }),
  sample('serverPayload', serverPayload, { keyId: id(1), outbox: id(2, 16) }),
  sample('clientPayload', clientPayload, {
    keyId: id(1),
    outbox: id(2, 16),
    journal: id(3, 16),
    position: NO_POSITION,
    maxItem: 9,
    receives: 1,
  }),
  sample('position', position, { next: 7, offset: 9, digest: id(4) }),
  sample('sessionKey', sessionKey, { status: 0, wrapped: id(1), data: id(2, 72), confirm: id(3) }),
  sample('sessionKeyData', sessionKeyData, { journal: id(1, 16), position: NO_POSITION, maxItem: 2 ** 53 }),
  sample('refusal', refusal, { status: 1, text: utf8('not trusted') }),
  sample('receiptPayload', receiptPayload, { statement: id(1, 213), signature: id(2, 64) }),
  sample('closePayload', closePayload, { reason: 4, text: utf8('why') }),
  sample('pingPayload', pingPayload, id(1, 8)),
  sample('messageStatement', messageStatement, {
    from: id(1),
    to: id(2),
    outbox: id(3, 16),
    first: 1,
    sentAt: 2,
    leaves: id(4, 96),
  }),
  sample('receiptStatement', receiptStatement, {
    from: id(1),
    to: id(2),
    outbox: id(3, 16),
    first: 1,
    count: 1,
    digest: id(4),
    outcome: 1,
    receivedAt: 5,
    journal: id(6, 16),
    index: 1,
    chain: zeros32,
  }),
  sample('u64OrMark', u64OrMark, 'withdrawn'),
]

/** The layouts whose bound says as much above 2^53 as at it, and so does not encode to what it was. */
const bounded = new Set(['clientPayload', 'sessionKeyData'])

function decoded({ name, codec }: Sample, bytes: Uint8Array): string {
  let value: unknown
  try {
    value = decode(codec, bytes)
  } catch (error) {
    if (error instanceof PeerError && error.code === 'ENCODING') return `${name}: ${error.message}`
    throw error
  }
  const same = Buffer.compare(encode(codec, value), bytes) === 0
  const past = bounded.has(name) && (value as { maxItem: number }).maxItem === MAX_U64
  if (!same && !past) throw new Error(`${name} encodes to other bytes than it was read from`)
  return `${name}: read`
}

export const decoders: Target = {
  name: 'decoders',
  promise: 'every layout refuses with ENCODING, or reads all and encodes to the same bytes',
  covers: /core\/src\/wire\//,
  longest: 6_000,
  seeds: samples.map(({ codec, value }, i) => Buffer.concat([Uint8Array.of(i), encode(codec, value)])),
  run: (input) => decoded(samples[(input[0] ?? 0) % samples.length]!, input.subarray(1)),
}

const attributes = encodeAttributes(
  new Map([
    ['content-type', 'text/plain'],
    ['id', '7'],
    ['name', 'ä.txt'],
  ]),
)

export const items: Target = {
  name: 'items',
  promise:
    'the head of an item is refused or read without an error; attributes encode to the same bytes, ascending, with nothing a terminal would act on',
  covers: /core\/src\/wire\/envelope/,
  longest: 2_000,
  seeds: [
    itemHead(id(1, 16), attributes),
    itemHead(id(1, 16), new Uint8Array(0)),
    Buffer.concat([itemHead(id(1, 16), attributes), utf8('a body')]),
  ],
  run(input) {
    const head = readItemHead(input, input.length)
    if (head === undefined || head === 'more') {
      decodeAttributes(input)
      return String(head)
    }
    const length = (input[17]! << 8) | input[18]!
    const encoded = input.subarray(19, 19 + length)
    if (Buffer.compare(encodeAttributes(head.attributes), encoded) !== 0) throw new Error('attributes encode to other bytes')
    if ([...head.attributes].flat().some((text) => FORBIDDEN.some((code) => text.includes(code)))) {
      throw new Error('an attribute that a terminal would act on')
    }
    return `${head.attributes.size} attributes`
  },
}

/** Ends of the ranges that section 8 forbids. */
const FORBIDDEN = [0, 0x1f, 0x7f, 0x9f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0x2069].map((code) => String.fromCodePoint(code))

function refusedKey(read: () => unknown): string {
  try {
    read()
    return 'read'
  } catch (error) {
    if (error instanceof LocalError && error.code.startsWith('KEY_')) return error.message
    throw error
  }
}

const keys = (['ed25519', 'ml-dsa-65', 'rsa'] as const).map((algorithm) => generatePrivateKey(algorithm, 2048))

export const pem: Target = {
  name: 'pem',
  promise: 'a file that is no key is refused with a KEY_ error, whichever half is looked for',
  covers: /core\/src\/crypto\/(keys|ed25519)/,
  longest: 6_000,
  seeds: keys.flatMap((key) => [utf8(publicKeyPem(key.publicKey)), utf8(`name: x\n${privateKeyPem(key)}`)]),
  run: (input) => `${refusedKey(() => readPublicKey(input))}; ${refusedKey(() => readPrivateKey(input, random(4)))}`,
}

export const spki: Target = {
  name: 'spki',
  promise: 'bytes that are no public key, in the one right encoding, are refused with a KEY_ error',
  covers: /core\/src\/crypto\/(keys|ed25519)/,
  longest: 3_000,
  seeds: keys.map(({ publicKey }) => publicKey.spki),
  run: (input) => refusedKey(() => publicKeyFromSpki(input)),
}
