import { expect, test } from 'vitest'
import { ownsBuffer, release, WORTH_RELEASING } from '../src/bytes.ts'

const LENGTH = 2 * WORTH_RELEASING

test('memory is given back at once where nobody else has it', () => {
  const own = Buffer.allocUnsafeSlow(LENGTH)
  const behindItsKind = new Uint8Array(LENGTH).subarray(1)
  for (const bytes of [own, behindItsKind]) {
    expect(ownsBuffer(bytes)).toBe(true)
    release(bytes)
    expect(bytes.length).toBe(0)
    expect(bytes.buffer.byteLength).toBe(0)
  }
})

test('memory that others may still read is left alone', () => {
  const whole = new Uint8Array(LENGTH + 2).fill(7)
  for (const part of [whole.subarray(2), whole.subarray(0, -1)]) {
    expect(ownsBuffer(part)).toBe(false)
    release(part)
  }
  expect(whole.every((byte) => byte === 7)).toBe(true)
  const pooled = Buffer.from('short')
  release(pooled)
  expect(pooled.toString()).toBe('short')
})
