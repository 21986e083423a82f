import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, copy, equal, fromUtf8, hex, isZero, printable, utf8, view, wipe } from '../../src/bytes.ts'

describe('concat', () => {
  test('joins in order and splits back', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (parts) => {
        const joined = concat(...parts)
        let at = 0
        for (const part of parts) expect(joined.subarray(at, (at += part.length))).toEqual(part)
        expect(at).toBe(joined.length)
      }),
    )
  })

  test('copies: what is written to a part later does not show', () => {
    const part = Uint8Array.of(1, 2)
    const joined = concat(part)
    part[0] = 9
    expect(joined).toEqual(Uint8Array.of(1, 2))
  })
})

describe('equal', () => {
  test('holds for a copy, and for no byte string with one bit changed, nor for a longer or shorter one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), (bytes, bit) => {
        expect(equal(bytes, copy(bytes))).toBe(true)
        const changed = copy(bytes)
        changed[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7)
        expect(equal(bytes, changed)).toBe(false)
        expect(equal(bytes, concat(bytes, Uint8Array.of(0)))).toBe(false)
        expect(equal(bytes, bytes.subarray(1))).toBe(false)
      }),
    )
  })

  test('two empty byte strings are equal', () => {
    expect(equal(new Uint8Array(0), Buffer.alloc(0))).toBe(true)
  })
})

test('isZero is false for a single bit anywhere', () => {
  expect(isZero(new Uint8Array(32))).toBe(true)
  for (let bit = 0; bit < 256; bit++) {
    const bytes = new Uint8Array(32)
    bytes[bit >> 3] = 1 << (bit & 7)
    expect(isZero(bytes)).toBe(false)
  }
})

test('wipe zeroes every secret in place, and only the part that a view shows', () => {
  const whole = Uint8Array.of(1, 2, 3, 4)
  const other = Uint8Array.of(5)
  wipe(whole.subarray(1, 3), other)
  expect(whole).toEqual(Uint8Array.of(1, 0, 0, 4))
  expect(other).toEqual(Uint8Array.of(0))
})

test('view shares memory and keeps to the part that it was given', () => {
  const whole = Uint8Array.of(1, 2, 3, 4)
  const buffer = view(whole.subarray(1, 3))
  buffer[0] = 9
  expect(whole).toEqual(Uint8Array.of(1, 9, 3, 4))
  expect(buffer.length).toBe(2)
})

test('hex is lower case, two digits a byte', () => {
  expect(hex(Uint8Array.of(0, 0x0a, 0xff))).toBe('000aff')
})

describe('UTF-8', () => {
  test('text comes back, whatever well-formed characters it has', () => {
    expect(() => fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => fromUtf8(utf8(text)) === text))).not.toThrow()
  })

  test('a byte order mark is kept, so that decoding stays an inverse', () => {
    expect(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa')
  })

  test.for([
    ['a lone continuation byte', [0x80]],
    ['a sequence cut short', [0xe2, 0x82]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['a character past U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ] as const)('%s is no text', ([, bytes]) => {
    expect(fromUtf8(Uint8Array.from(bytes))).toBeUndefined()
  })
})

describe('printable', () => {
  test('escapes what moves a cursor, colours a terminal, ends a line or turns the reading direction', () => {
    expect(printable('\u001b[2J a\r\nb \u009b \u202e \u2066 \u2028')).toBe(
      '\\u{1b}[2J a\\u{d}\\u{a}b \\u{9b} \\u{202e} \\u{2066} \\u{2028}',
    )
  })

  test('leaves no control or direction character in any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u)
      }),
    )
  })

  test("leaves people's own scripts and signs as they are", () => {
    const text = 'Grüße, 你好, שלום, 🙂'
    expect(printable(text)).toBe(text)
  })
})
