import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { DecipherGCM } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { concat, copy, hex, isZero, utf8 } from '../../src/bytes.ts'
import { aeadKey, open, Opener, seal, sealPieces, TAG_LENGTH, wipeKey } from '../../src/crypto/aead.ts'
import { label } from '../../src/crypto/hash.ts'

const nothing = new Uint8Array(0)
const key = aeadKey(new Uint8Array(32).fill(5))
const aad = Uint8Array.of(5, 0, 0, 32)

const anySequence = fc.maxSafeNat()
const anyPieces = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 8 })

/** AES-256-GCM under a nonce that is given whole. */
function reference(nonce: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key.key, nonce)
  cipher.setAAD(aad)
  return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
}

/** iv XOR (0x00000000 || u64 seq), in whole numbers of any size. */
function expectedNonce(seq: number): Uint8Array {
  const nonce = BigInt(`0x${hex(key.iv)}`) ^ BigInt(seq)
  return Uint8Array.from(Buffer.from(nonce.toString(16).padStart(24, '0'), 'hex'))
}

describe('a key and iv', () => {
  test('are the labels "key" and "iv" of the secret', () => {
    const secret = new Uint8Array(32).fill(9)
    const { key, iv } = aeadKey(secret)
    expect(hex(key)).toBe(hex(label(secret, 'key', nothing, 32)))
    expect(hex(iv)).toBe(hex(label(secret, 'iv', nothing, 12)))
  })

  test('are zeros once they are forgotten', () => {
    const own = aeadKey(new Uint8Array(32).fill(9))
    wipeKey(own)
    expect([hex(own.key), hex(own.iv)]).toEqual(['00'.repeat(32), '00'.repeat(12)])
  })
})

describe('the nonce', () => {
  test.for([0, 1, 255, 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40, 2 ** 52 + 3, 2 ** 53 - 1])(
    'at %i is the iv XOR the number in its last eight bytes',
    (seq) => {
      expect(hex(seal(key, seq, aad, utf8('text')))).toBe(hex(reference(expectedNonce(seq), utf8('text'))))
    },
  )

  test('is right at every other number too', () => {
    fc.assert(
      fc.property(anySequence, (seq) => {
        expect(hex(seal(key, seq, aad, utf8('text')))).toBe(hex(reference(expectedNonce(seq), utf8('text'))))
      }),
    )
  })

  test('leaves the iv as it was', () => {
    const before = hex(key.iv)
    seal(key, 2 ** 53 - 1, aad, nothing)
    expect(hex(key.iv)).toBe(before)
  })
})

describe('seal and open', () => {
  test('are inverses, and the body is 16 bytes longer', () => {
    fc.assert(
      fc.property(anySequence, fc.uint8Array(), fc.uint8Array(), (seq, aad, plaintext) => {
        const body = seal(key, seq, aad, plaintext)
        expect(body.length).toBe(plaintext.length + TAG_LENGTH)
        expect(hex(open(key, seq, aad, body)!)).toBe(hex(plaintext))
      }),
    )
  })

  test('one changed bit of the body or the associated data opens nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(), fc.boolean(), (plaintext, bit, inAad) => {
        const body = seal(key, 3, aad, plaintext)
        const [badBody, badAad] = [copy(body), copy(aad)]
        const target = inAad ? badAad : badBody
        target[(bit >> 3) % target.length]! ^= 1 << (bit & 7)
        expect(open(key, 3, badAad, badBody)).toBeUndefined()
      }),
    )
  })

  test('another number or another key opens nothing', () => {
    const body = seal(key, 2 ** 32, aad, utf8('text'))
    expect(open(key, 2 ** 32, aad, body)).toBeDefined()
    for (const seq of [0, 1, 2 ** 32 - 1, 2 ** 33]) expect(open(key, seq, aad, body)).toBeUndefined()
    expect(open(aeadKey(new Uint8Array(32).fill(6)), 2 ** 32, aad, body)).toBeUndefined()
  })

  test('a body cut short or prolonged opens nothing, down to the empty one', () => {
    const body = seal(key, 0, aad, utf8('some text'))
    for (let length = 0; length < body.length; length++) {
      expect(open(key, 0, aad, body.subarray(0, length))).toBeUndefined()
    }
    expect(open(key, 0, aad, concat(body, Uint8Array.of(0)))).toBeUndefined()
  })

  test('sealing pieces is sealing them joined, piece for piece of the same length', () => {
    fc.assert(
      fc.property(anyPieces, (pieces) => {
        const sealed = sealPieces(key, 1, aad, pieces)
        expect(sealed.map((piece) => piece.length)).toEqual([...pieces.map((piece) => piece.length), TAG_LENGTH])
        expect(hex(concat(...sealed))).toBe(hex(seal(key, 1, aad, concat(...pieces))))
      }),
    )
  })
})

describe('Opener', () => {
  test('opens a body however it is split, and keeps short pieces as one', () => {
    fc.assert(
      fc.property(anyPieces, (pieces) => {
        const sealed = sealPieces(key, 7, aad, pieces)
        const opener = new Opener(key, 7, aad)
        for (const piece of sealed.slice(0, -1)) opener.update(piece)
        expect(hex(concat(...opener.finish(sealed.at(-1)!)!))).toBe(hex(concat(...pieces)))
      }),
    )
  })

  test.each([
    ['short pieces, which are joined', 1],
    ['long pieces', 500],
  ])('hands out nothing before the tag, and wipes what it held where the tag does not hold: %s', (_, times) => {
    const texts = ['secret'.repeat(times), 'words'.repeat(times)]
    const [first, second, tag] = sealPieces(key, 0, aad, texts.map(utf8)) as [Uint8Array, Uint8Array, Uint8Array]
    tag[15]! ^= 1

    using update = vi.spyOn(Object.getPrototypeOf(createDecipheriv('aes-256-gcm', key.key, key.iv)) as DecipherGCM, 'update')
    const opener = new Opener(key, 0, aad)
    expect(opener.update(first)).toBeUndefined()
    const secret = update.mock.results[0]!.value as Uint8Array
    expect(Buffer.from(secret).toString()).toBe(texts[0])
    expect(opener.update(second)).toBeUndefined()

    expect(opener.finish(tag)).toBeUndefined()
    expect(update.mock.results.map((result) => isZero(result.value as Uint8Array))).toEqual([true, true])
  })

  test.for([0, 4, 8, 12, 13, 14, 15, 17])(
    'a tag of %i bytes opens nothing, though it is the beginning of the right one',
    (length) => {
      const [ciphertext, tag] = sealPieces(key, 0, aad, [utf8('text')]) as [Uint8Array, Uint8Array]
      const opener = new Opener(key, 0, aad)
      opener.update(ciphertext)
      expect(opener.finish(concat(tag, Uint8Array.of(0)).subarray(0, length))).toBeUndefined()
    },
  )
})

test('an AEAD key made of a raw key and iv works as one derived', () => {
  const raw = { key: new Uint8Array(32), iv: new Uint8Array(12) }
  expect(hex(open(raw, 1, nothing, seal(raw, 1, nothing, utf8('text')))!)).toBe(hex(utf8('text')))
})
