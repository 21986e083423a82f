/** A short storm, each time another one; what it prints replays it. */
import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { storm } from './storm.ts'

const SECONDS = process.env['TEST_FULL'] === undefined ? 15 : 300

test('nothing is lost, nothing comes twice, and every point is hit', { timeout: (SECONDS + 300) * 1000 }, async () => {
  const seed = randomInt(2 ** 32)
  console.log(`pnpm storm --seed ${seed} --seconds ${SECONDS}`)
  const { faults, hits, counts } = await storm({ seed, seconds: SECONDS })
  console.log(JSON.stringify({ ...Object.fromEntries(hits), ...counts }, undefined, 1))
  expect(faults).toEqual([])
  expect([...hits].filter(([, times]) => times === 0)).toEqual([])
})
