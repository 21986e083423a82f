/** Power loss: each receipt's write follows an fsync of the journal, and that the data. */
import { expect, test } from 'vitest'
import { MESSAGES, receiptsOutOfOrder, receiptWrites, tracedDelivery } from '../checker/fsync-order.ts'
import { requireStrace } from '../programs/strace.ts'
import { World } from '../programs/world.ts'

test('data read, then the fsync of the journal, then the next write to the socket', async (context) => {
  requireStrace(context)
  await using world = new World()
  const calls = await tracedDelivery(world)
  expect(receiptWrites(calls)).toHaveLength(MESSAGES.length)
  expect(receiptsOutOfOrder(calls)).toEqual([])
  expect((await world.check()).faults).toEqual([])
})
