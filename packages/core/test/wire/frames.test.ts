import { describe, expect, test } from 'vitest'
import { concat, hex } from '../../src/bytes.ts'
import { KEM_CIPHERTEXT_LENGTH, KEM_PUBLIC_LENGTH } from '../../src/crypto/kem.ts'
import { TAG_LENGTH } from '../../src/crypto/aead.ts'
import { decode, encode } from '../../src/wire/codec.ts'
import {
  bodyLength,
  clientPayload,
  frameHeader,
  type FrameName,
  FRAMES,
  HELLO_START,
  hello,
  helloAck,
  position,
  proof,
  refusal,
  sessionKey,
  sessionKeyData,
} from '../../src/wire/frames.ts'
import { codeOf } from '../harness/code.ts'
import { KIND, MAX_PAYLOAD, REASON } from '../../src/wire/records.ts'

const names = Object.keys(FRAMES) as FrameName[]

describe.each(names)('the header of %s', (name) => {
  const { type, least, most } = FRAMES[name]

  test('announces the lengths of section 2 and no other, of its own type alone', () => {
    const lengths = new Set([
      0,
      1,
      16,
      17,
      least - 1,
      least,
      least + 1,
      most - 1,
      most,
      most + 1,
      1040,
      1288,
      4112,
      5264,
      65_553,
      2 ** 24 - 1,
    ])
    const taken: number[][] = []
    const codes = new Set<string>()
    for (let of = 0; of < 256; of++) {
      for (const length of lengths) {
        const code = codeOf(() => expect(bodyLength(name, Uint8Array.of(of, length >> 16, length >> 8, length))).toBe(length))
        if (code === undefined) taken.push([of, length])
        else codes.add(code)
      }
    }
    expect([...codes]).toEqual(['FRAME'])
    const legal = [...lengths].filter((length) => length >= least && length <= most)
    expect(taken).toEqual(legal.map((length) => [type, length]))
  })

  test('is written as it is read', () => {
    for (const length of [least, most]) expect(bodyLength(name, frameHeader(name, length))).toBe(length)
  })
})

test('the sizes of frames are those of what they hold', () => {
  const zeros = (length: number): Uint8Array => new Uint8Array(length)
  const start = { ...HELLO_START, random: zeros(32), kemPublic: zeros(KEM_PUBLIC_LENGTH), gate: zeros(32) }
  const answer = { random: zeros(32), kemCiphertext: zeros(KEM_CIPHERTEXT_LENGTH), sealed: zeros(4096 + TAG_LENGTH) }
  const empty = { payload: zeros(0), signature: zeros(0), mac: zeros(32) }
  expect({
    HELLO: hello.size(start),
    'HELLO+ACK': helloAck.size(answer),
    ACK: proof.size(empty) + TAG_LENGTH,
    'SESSION-KEY': refusal.size({ status: 1, text: zeros(0) }) + TAG_LENGTH,
    RECORD: 1 + MAX_PAYLOAD + TAG_LENGTH,
  }).toEqual(Object.fromEntries(names.map((name) => [name, FRAMES[name].most])))
})

describe('HELLO', () => {
  const zeros = { random: new Uint8Array(32), kemPublic: new Uint8Array(1216), gate: new Uint8Array(32) }
  const bytes = encode(hello, { ...HELLO_START, ...zeros })

  test('begins with CSGN, version 1 and a reserved field of zeros', () => {
    expect(hex(bytes.subarray(0, 8))).toBe(`${hex(Buffer.from('CSGN'))}01000000`)
  })

  test.each([0, 1, 2, 3, 4])('with a wrong byte %i is another protocol or version', (at) => {
    expect(() => decode(hello, bytes.with(at, bytes[at]! ^ 0x20))).toThrow(expect.objectContaining({ code: 'ENCODING' }))
  })

  test('may have any reserved field', () => {
    expect(decode(hello, bytes.with(5, 0xff).with(7, 1))).toMatchObject({ reserved: 0xff0001 })
  })
})

describe('padding', () => {
  const body = encode(refusal, { status: 1, text: Buffer.from('not trusted') })
  const accepted = encode(sessionKey, {
    status: 0,
    wrapped: new Uint8Array(32),
    data: new Uint8Array(72),
    confirm: new Uint8Array(32),
  })
  const proved = encode(proof, { payload: new Uint8Array(48), signature: new Uint8Array(64), mac: new Uint8Array(32) })

  test.each([
    ['a refusal', refusal, body, 1 + 4 + 11],
    ['SESSION-KEY', sessionKey, accepted, 1 + 4 + 32 + 4 + 72 + 32],
    ['a proof', proof, proved, 4 + 48 + 4 + 64 + 32],
  ] as const)('of %s is zero to its last byte', (_, codec, bytes, from) => {
    const codes = new Set<string | undefined>()
    for (let at = from; at < bytes.length; at++) codes.add(codeOf(() => decode(codec as typeof proof, bytes.with(at, 1))))
    expect([...codes]).toEqual(['ENCODING'])
    expect(from).toBeLessThan(bytes.length)
  })
})

describe('a position', () => {
  const digest = new Uint8Array(32).fill(1)
  const none = new Uint8Array(32)

  test.each([
    ['1, with nothing held', { next: 1, offset: 0, digest: none }],
    ['2^53, with nothing held', { next: 2 ** 53, offset: 0, digest: none }],
    ['1, with a byte held', { next: 1, offset: 1, digest }],
  ])('may be %s', (_, value) => {
    expect(decode(position, encode(position, value))).toEqual(value)
  })

  test.each([
    ['0', { next: 0, offset: 0, digest: none }],
    ['of a digest without bytes', { next: 1, offset: 0, digest }],
    ['of bytes without a digest', { next: 1, offset: 1, digest: none }],
  ])('may not be %s', (_, value) => {
    expect(() => decode(position, encode(position, value))).toThrow(expect.objectContaining({ code: 'ENCODING' }))
  })

  test('stands where ACK and SESSION-KEY have it', () => {
    const journal = new Uint8Array(16)
    const held = { next: 5, offset: 9, digest }
    expect(decode(sessionKeyData, concat(journal, encode(position, held), new Uint8Array(8)))).toMatchObject({
      position: held,
      maxItem: 0,
    })
  })
})

test('receives is 0 or 1', () => {
  const zeros = { keyId: new Uint8Array(32), outbox: new Uint8Array(16), journal: new Uint8Array(16), maxItem: 0 }
  const bytes = encode(clientPayload, { ...zeros, position: { next: 1, offset: 0, digest: new Uint8Array(32) }, receives: 1 })
  expect(decode(clientPayload, bytes).receives).toBe(1)
  for (const flag of [2, 255]) {
    expect(() => decode(clientPayload, bytes.with(120, flag))).toThrow(expect.objectContaining({ code: 'ENCODING' }))
  }
})

test('kinds and reasons are numbered as the protocol numbers them', () => {
  expect(Object.values(KIND)).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(Object.values(REASON)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
})
