/** Times and sizes are read as people write them, and nothing else is. */
import { expect, test } from 'vitest'
import { formatSize, parseDuration, parseSize } from '../../src/cli/quantity.ts'

test.each([
  ['45s', 45_000],
  ['30m', 1_800_000],
  ['12h', 43_200_000],
  ['7d', 604_800_000],
  ['3651d', undefined],
  ['7', undefined],
  ['', undefined],
  ['-1s', undefined],
  ['1.5h', undefined],
])('the time %j', (text, duration) => {
  expect(parseDuration(text)).toBe(duration)
})

test.each([
  ['500', 500],
  ['64K', 65_536],
  ['64k', 65_536],
  ['10MiB', 10_485_760],
  ['2G', 2_147_483_648],
  ['1T', 1_099_511_627_776],
  ['999999999999T', undefined],
  ['', undefined],
  ['-1', undefined],
  ['1.5M', undefined],
  ['many', undefined],
])('the size %j', (text, size) => {
  expect(parseSize(text)).toBe(size)
})

test.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1536, '1.5 KiB'],
  [256 * 2 ** 20, '256.0 MiB'],
  [3 * 2 ** 50, '3072.0 TiB'],
])('%j bytes, for people', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text)
})
