import { generateKeyPairSync } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isEd25519PointOfLargeOrder } from '../../src/crypto/ed25519.ts'
import { decodePoint, encodePoint, ENCODINGS_NOT_CANONICAL, multiply, add, BASE, SMALL_ORDER_POINTS } from './edwards25519.ts'

test('the reference arithmetic of these tests knows the base point and its order', () => {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  expect(decodePoint(encodePoint(BASE))).toEqual(BASE)
  expect(multiply(order, BASE)).toEqual({ x: 0n, y: 1n })
  expect(multiply(2n, BASE)).not.toEqual({ x: 0n, y: 1n })
})

describe('a point is refused', () => {
  test.for(SMALL_ORDER_POINTS.map((point) => [Buffer.from(encodePoint(point)).toString('hex'), point] as const))(
    'of small order: %s',
    ([, point]) => {
      expect(multiply(8n, point), 'its order divides 8').toEqual({ x: 0n, y: 1n })
      expect(isEd25519PointOfLargeOrder(encodePoint(point))).toBe(false)
    },
  )

  test('there are eight points of small order, all different', () => {
    expect(new Set(SMALL_ORDER_POINTS.map((point) => Buffer.from(encodePoint(point)).toString('hex'))).size).toBe(8)
  })

  test('in each of the encodings that are not canonical: y from p on, or a sign without an x', () => {
    expect(ENCODINGS_NOT_CANONICAL.length).toBe(2 * 19 + 2)
    for (const encoding of ENCODINGS_NOT_CANONICAL) expect(isEd25519PointOfLargeOrder(encoding)).toBe(false)
  })

  test('exactly where it is off the curve, or of small order', () => {
    let onCurve = 0
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (encoding) => {
        const point = decodePoint(encoding)
        if (point) onCurve++
        expect(isEd25519PointOfLargeOrder(encoding)).toBe(point !== undefined)
      }),
      { numRuns: 200 },
    )
    expect(onCurve).toBeGreaterThan(20)
    expect(onCurve).toBeLessThan(180)
  })
})

describe('a point is accepted', () => {
  test('of any key that is generated', () => {
    for (let i = 0; i < 50; i++) {
      const point = generateKeyPairSync('ed25519').publicKey.export({ format: 'raw-public' })
      expect(isEd25519PointOfLargeOrder(point)).toBe(true)
    }
  })

  test('of large order with a part of small order: section 1 asks for no more', () => {
    for (const small of SMALL_ORDER_POINTS) expect(isEd25519PointOfLargeOrder(encodePoint(add(BASE, small)))).toBe(true)
  })
})
