import { describe, expect, test } from 'vitest'
import { Crash, fuzz, type Target } from '../fuzz/fuzzer.ts'
import { targets } from '../fuzz/targets.ts'

/** Breaks its promise where a length prefix of 7 stands in front of a byte of 42. */
const planted: Target = {
  name: 'planted',
  promise: 'never',
  covers: /none/,
  longest: 100,
  seeds: [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
  run(input) {
    if (input[0] !== 7) return 'first'
    if (input[1] !== 42) return 'second'
    throw new Error('found')
  },
}

describe('the fuzzer', () => {
  test('finds what lies behind two conditions, because it keeps what passed the first', async () => {
    const found = await fuzz(planted, 200_000, 3).catch((error: unknown) => error)
    expect(found).toBeInstanceOf(Crash)
    expect([...(found as Crash).input.subarray(0, 2)]).toEqual([7, 42])
  })

  test('does the same again from the same seed, and something else from another', async () => {
    const words = async (seed: number): Promise<string> => {
      const seen: string[] = []
      await fuzz({ ...planted, run: (input) => (seen.push(Buffer.from(input).toString('hex')), 'x') }, 300, seed)
      return seen.join()
    }
    expect(await words(5)).toBe(await words(5))
    expect(await words(5)).not.toBe(await words(6))
  })
})

test.each(targets.map((target) => [target.name, target] as const))('%s keeps its promise', async (name, target) => {
  const runs = name === 'swap' ? 150 : 1_500
  const { words } = await fuzz(target, runs, 11)
  expect(words.size).toBeGreaterThan(1)
})
