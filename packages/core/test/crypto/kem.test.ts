import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, copy, hex } from '../../src/bytes.ts'
import { KEM_CIPHERTEXT_LENGTH, KEM_PUBLIC_LENGTH, kemKeyPairFromSeed, xwing } from '../../src/crypto/kem.ts'

const MLKEM_PUBLIC_LENGTH = 1184
const MLKEM_CIPHERTEXT_LENGTH = 1088
const pair = kemKeyPairFromSeed(new Uint8Array(32).fill(3))

/** u-coordinates whose X25519 result is zero for every scalar, the ones of RFC 7748's curve and its twist, canonical and not. */
const zeroPoints = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map((point) => Uint8Array.from(Buffer.from(point, 'hex')))

test('both sides of a fresh key pair hold the same 32 bytes', () => {
  const fresh = xwing.generate()
  expect(fresh.publicKey.length).toBe(KEM_PUBLIC_LENGTH)
  const { ciphertext, sharedSecret } = xwing.encapsulate(fresh.publicKey)!
  expect(ciphertext.length).toBe(KEM_CIPHERTEXT_LENGTH)
  expect(sharedSecret.length).toBe(32)
  expect(hex(fresh.decapsulate(ciphertext)!)).toBe(hex(sharedSecret))
})

test('no two key pairs, ciphertexts or secrets are the same', () => {
  const [a, b] = [xwing.encapsulate(pair.publicKey)!, xwing.encapsulate(pair.publicKey)!]
  for (const [x, y] of [
    [a.sharedSecret, b.sharedSecret],
    [a.ciphertext.subarray(0, MLKEM_CIPHERTEXT_LENGTH), b.ciphertext.subarray(0, MLKEM_CIPHERTEXT_LENGTH)],
    [a.ciphertext.subarray(MLKEM_CIPHERTEXT_LENGTH), b.ciphertext.subarray(MLKEM_CIPHERTEXT_LENGTH)],
  ] as const) {
    expect(hex(x)).not.toBe(hex(y))
  }
  expect(hex(xwing.generate().publicKey)).not.toBe(hex(xwing.generate().publicKey))
})

test('one changed bit anywhere in a ciphertext gives another secret, and does not throw', () => {
  const { ciphertext, sharedSecret } = xwing.encapsulate(pair.publicKey)!
  fc.assert(
    // The top bit of an X25519 key is masked by RFC 7748; X-Wing binds it through the combiner.
    fc.property(fc.nat(KEM_CIPHERTEXT_LENGTH * 8 - 1), (bit) => {
      const changed = copy(ciphertext)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      expect(hex(pair.decapsulate(changed)!)).not.toBe(hex(sharedSecret))
    }),
  )
  const masked = copy(ciphertext)
  masked[KEM_CIPHERTEXT_LENGTH - 1]! ^= 0x80
  expect(hex(pair.decapsulate(masked)!)).not.toBe(hex(sharedSecret))
})

describe('a public key is refused', () => {
  test('with a coefficient that is not below 3329 (FIPS 203 section 7.2), wherever it stands', () => {
    for (const at of [0, 3 * 100, MLKEM_PUBLIC_LENGTH - 32 - 3]) {
      for (const coefficient of [3329, 4095]) {
        const key = copy(pair.publicKey)
        key[at] = coefficient & 0xff
        key[at + 1] = (key[at + 1]! & 0xf0) | (coefficient >> 8)
        expect(xwing.encapsulate(key)).toBeUndefined()
      }
      const key = copy(pair.publicKey)
      key[at] = 3328 & 0xff
      key[at + 1] = (key[at + 1]! & 0xf0) | (3328 >> 8)
      expect(xwing.encapsulate(key), 'the largest coefficient there is').toBeDefined()
    }
  })

  test.for(zeroPoints.map((point) => [hex(point), point] as const))('whose X25519 half %s makes the secret zero', ([, point]) => {
    expect(xwing.encapsulate(concat(pair.publicKey.subarray(0, MLKEM_PUBLIC_LENGTH), point))).toBeUndefined()
    const { ciphertext } = xwing.encapsulate(pair.publicKey)!
    expect(pair.decapsulate(concat(ciphertext.subarray(0, MLKEM_CIPHERTEXT_LENGTH), point))).toBeUndefined()
  })

  test('of every other length, as a ciphertext is', () => {
    const { ciphertext } = xwing.encapsulate(pair.publicKey)!
    const long = (bytes: Uint8Array): Uint8Array => concat(bytes, new Uint8Array(64))
    for (const length of [0, 31, 32, 1087, 1088, 1119, 1121, 1152, 1184]) {
      expect(pair.decapsulate(long(ciphertext).subarray(0, length)), `${length} bytes`).toBeUndefined()
    }
    for (const length of [0, 32, 1183, 1184, 1215, 1217, 1248]) {
      expect(xwing.encapsulate(long(pair.publicKey).subarray(0, length)), `${length} bytes`).toBeUndefined()
    }
  })
})
