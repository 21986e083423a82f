import { createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equal, hex, utf8 } from '../../src/bytes.ts'
import { domainHash, expand, extract, hmac, label, random, sha256, sha256Stream } from '../../src/crypto/hash.ts'

const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const range = (from: number, to: number): Uint8Array => Uint8Array.from({ length: to - from + 1 }, (_, i) => from + i)
const nothing = new Uint8Array(0)

describe('SHA-256', () => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

  test('has the values of FIPS 180', () => {
    expect(hex(sha256(nothing))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    expect(hex(sha256(utf8('abc')))).toBe(abc)
  })

  test('of several parts is that of the parts joined, in one call or as a stream', () => {
    expect(hex(sha256(utf8('a'), nothing, utf8('bc')))).toBe(abc)
    const stream = sha256Stream()
    for (const letter of 'abc') stream.update(utf8(letter))
    expect(hex(stream.digest())).toBe(abc)
  })
})

test.for([
  [
    'a key of 20 bytes',
    new Uint8Array(20).fill(0x0b),
    'Hi There',
    'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  ],
  [
    'a short key',
    utf8('Jefe'),
    'what do ya want for nothing?',
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  [
    'a key longer than a block',
    new Uint8Array(131).fill(0xaa),
    'Test Using Larger Than Block-Size Key - Hash Key First',
    '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
  ],
] as const)('HMAC-SHA-256 with %s has the value of RFC 4231', ([, key, text, mac]) => {
  expect(hex(hmac(key, utf8(text)))).toBe(mac)
  expect(hex(hmac(key, utf8(text.slice(0, 3)), utf8(text.slice(3))))).toBe(mac)
})

test('HMAC is that of node:crypto, for keys and texts up to and past the block and the room that is lent', () => {
  for (const keyLength of [0, 1, 32, 63, 64, 65, 200]) {
    for (const length of [0, 1, 63, 64, 8127, 8128, 8129, 20_000]) {
      const [key, text] = [random(keyLength), random(length)]
      expect(hex(hmac(key, text))).toBe(createHmac('sha256', key).update(text).digest('hex'))
    }
  }
})

describe('HKDF', () => {
  test.for([
    {
      of: 'A.1',
      ikm: new Uint8Array(22).fill(0x0b),
      salt: range(0x00, 0x0c),
      info: range(0xf0, 0xf9),
      prk: '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5',
      okm: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
    },
    {
      of: 'A.2',
      ikm: range(0x00, 0x4f),
      salt: range(0x60, 0xaf),
      info: range(0xb0, 0xff),
      prk: '06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244',
      okm: 'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
    },
    {
      of: 'A.3',
      ikm: new Uint8Array(22).fill(0x0b),
      salt: nothing,
      info: nothing,
      prk: '19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04',
      okm: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    },
  ])('has the values of RFC 5869 $of', ({ ikm, salt, info, prk, okm }) => {
    expect(hex(extract(salt, ikm))).toBe(prk)
    expect(hex(expand(fromHex(prk), info, okm.length / 2))).toBe(okm)
  })

  test('gives every length up to 8160 bytes, each the beginning of the longest', () => {
    const secret = new Uint8Array(32).fill(7)
    const longest = expand(secret, nothing, 8160)
    expect(longest.length).toBe(8160)
    for (const length of [0, 1, 12, 31, 32, 33, 63, 64, 65, 8128, 8159]) {
      expect(hex(expand(secret, nothing, length))).toBe(hex(longest.subarray(0, length)))
    }
  })

  test('refuses the length at which its counter would come round and the output repeat', () => {
    expect(() => expand(new Uint8Array(32), nothing, 8161)).toThrow(RangeError)
  })
})

describe('Label', () => {
  const secret = range(0, 31)

  test('expands under u16 length, LP8 of the protocol and name, LP8 of the context', () => {
    const info = fromHex(`002011${hex(utf8('countersign/1 key'))}03aabbcc`)
    expect(hex(label(secret, 'key', fromHex('aabbcc'), 32))).toBe(hex(expand(secret, info, 32)))
  })

  test('writes its length in two bytes, the high one first', () => {
    const info = fromHex(`010211${hex(utf8('countersign/1 key'))}00`)
    expect(hex(label(secret, 'key', nothing, 258))).toBe(hex(expand(secret, info, 258)))
  })

  test('gives exactly the length that is asked for, and another length is another secret', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 8160 }), fc.integer({ min: 8, max: 8160 }), (a, b) => {
        const [long, short] = [label(secret, 'key', nothing, a), label(secret, 'key', nothing, b)]
        expect([long.length, short.length]).toEqual([a, b])
        expect(equal(long.subarray(0, 8), short.subarray(0, 8))).toBe(a === b)
      }),
    )
  })

  test('tells name and context apart, wherever one ends and the other begins', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), fc.nat(20), (name, context, cut) => {
        const joined = name + context
        const [otherName, otherContext] = [joined.slice(0, cut), joined.slice(cut)]
        fc.pre(otherName !== name)
        expect(hex(label(secret, name, utf8(context), 32))).not.toBe(hex(label(secret, otherName, utf8(otherContext), 32)))
      }),
    )
  })

  test('refuses a name or context that its one-byte length cannot tell', () => {
    expect(label(secret, 'key', new Uint8Array(255), 32).length).toBe(32)
    expect(() => label(secret, 'key', new Uint8Array(256), 32)).toThrow(RangeError)
    expect(() => label(secret, 'n'.repeat(242), nothing, 32)).toThrow(RangeError)
  })
})

test('a domain hash covers the protocol, its own name, a zero byte, and the parts', () => {
  const input = Buffer.from('countersign/1 chain\0abcdef', 'latin1')
  expect(hex(domainHash('chain', utf8('abc'), utf8('def')))).toBe(hex(sha256(input)))
})

test('random gives the length that is asked for, and never the same 16 bytes twice', () => {
  expect(random(0).length).toBe(0)
  const seen = new Set(Array.from({ length: 1000 }, () => hex(random(16))))
  expect(seen.size).toBe(1000)
  expect(random(16).length).toBe(16)
})
