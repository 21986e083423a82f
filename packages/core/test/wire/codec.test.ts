import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, hex } from '../../src/bytes.ts'
import { PeerError } from '../../src/errors.ts'
import { decode, encode, lengthPrefixed, lp, u32Bytes, u64, u64Bound, u64OrMark, WITHDRAWN_MARK } from '../../src/wire/codec.ts'
import { hexed } from '../vectors/read.ts'
import { type Layout, LAYOUTS } from './codecs.ts'

const SAMPLE = { seed: 7, numRuns: 3 }

/** The value, or 'ENCODING'; anything else thrown is a fault of the decoder. */
function outcomeOf({ codec }: Layout, bytes: Uint8Array): { readonly value: unknown } | 'ENCODING' {
  try {
    return { value: decode(codec, bytes) }
  } catch (error) {
    if (error instanceof PeerError && error.code === 'ENCODING') return 'ENCODING'
    throw error
  }
}

describe.each(LAYOUTS)('$name', (layout) => {
  const { codec, values, length, lenient } = layout

  test('decodes to what was encoded, from as many bytes as it says', () => {
    fc.assert(
      fc.property(values, (value) => {
        const encoded = encode(codec, value)
        expect(encoded.length).toBe(codec.size(value))
        expect(encoded.length).toBe(length ?? encoded.length)
        expect(hexed(decode(codec, encoded))).toEqual(hexed(value))
      }),
      { numRuns: 50 },
    )
  })

  test('takes nothing away from the bytes around it', () => {
    const [value] = fc.sample(values, SAMPLE)
    const target = new Uint8Array(codec.size(value) + 20).fill(0xee)
    expect(codec.write(value, target, 10)).toBe(target.length - 10)
    expect(hex(target.subarray(0, 10)) + hex(target.subarray(-10))).toBe('ee'.repeat(20))
    expect(hex(target.subarray(10, -10))).toBe(hex(encode(codec, value)))
  })

  test('cut after any byte, or with any byte behind it, is PeerError ENCODING', () => {
    for (const value of fc.sample(values, SAMPLE)) {
      const encoded = encode(codec, value)
      const lengths = Array.from({ length: encoded.length }, (_, i) => i)
      expect(lengths.filter((cut) => outcomeOf(layout, encoded.subarray(0, cut)) !== 'ENCODING')).toEqual([])
      for (const behind of [0, 1, 0xff]) expect(outcomeOf(layout, concat(encoded, Uint8Array.of(behind)))).toBe('ENCODING')
    }
  })

  test('of any other bytes is a value that these bytes alone encode, or PeerError ENCODING', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(values, flips, fc.uint8Array({ maxLength: 200 }), (value, changes, noise) => {
        const changed = encode(codec, value)
        for (const [at, byte] of changes) if (changed.length > 0) changed[at % changed.length] = byte
        for (const bytes of [changed, noise]) {
          const outcome = outcomeOf(layout, bytes)
          if (outcome === 'ENCODING') continue
          const again = encode(codec, outcome.value)
          expect(again.length).toBe(bytes.length)
          expect(lenient || hex(again) === hex(bytes)).toBe(true)
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('a u64', () => {
  test('holds 2^53 and nothing above it', () => {
    expect(decode(u64, Buffer.from('0020000000000000', 'hex'))).toBe(2 ** 53)
    for (const above of ['0020000000000001', '0021000000000000', '0120000000000000', '00ffffffffffffff', 'ffffffffffffffff']) {
      expect(() => decode(u64, Buffer.from(above, 'hex'))).toThrow(expect.objectContaining({ code: 'ENCODING' }))
    }
  })

  test('that only bounds says 2^53 for all above it', () => {
    expect(decode(u64Bound, new Uint8Array(8).fill(0xff))).toBe(2 ** 53)
    expect(decode(u64Bound, Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 1))).toBe(2 ** 53)
    expect(decode(u64Bound, Uint8Array.of(0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))).toBe(2 ** 53 - 1)
  })

  test('is the mark where every bit is set, and only there', () => {
    const mark = new Uint8Array(8).fill(0xff)
    expect(hex(encode(u64OrMark, WITHDRAWN_MARK))).toBe(hex(mark))
    expect(decode(u64OrMark, mark)).toBe(WITHDRAWN_MARK)
    expect(() => decode(u64OrMark, mark.with(7, 0xfe))).toThrow(expect.objectContaining({ code: 'ENCODING' }))
    expect(() => decode(u64OrMark, mark.with(0, 0x7f))).toThrow(expect.objectContaining({ code: 'ENCODING' }))
  })
})

test('a length prefix that promises more than there is ends in ENCODING without taking memory for it', () => {
  for (const length of [5, 2 ** 31, 2 ** 32 - 1]) {
    expect(() => decode(lp, concat(u32Bytes(length), new Uint8Array(4)))).toThrow(expect.objectContaining({ code: 'ENCODING' }))
  }
})

test('LP of several parts is each part behind its length', () => {
  const parts = [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)]
  expect(hex(lengthPrefixed(...parts))).toBe('000000020102000000000000000103')
})
