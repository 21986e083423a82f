/** Two servers over one journal: the place check, inside the transaction, refuses the second copy. */
import { expect, test } from 'vitest'
import { paused } from '../checker/paused.ts'
import { World } from '../programs/world.ts'

test('one is paused, and resumed after the client moved on to the other', async () => {
  await using world = new World()
  expect(await paused(world)).toBe('PLACE_MOVED')
  const { faults, counts } = await world.check()
  expect(faults).toEqual([])
  expect(counts).toMatchObject({ enqueued: 3, stored: 3, envelopes: 3 })
})
