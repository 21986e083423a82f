/** Power loss: each receipt's write follows an fsync of the journal, and that the data; and what a sender is told, one of its outbox. */
import { expect, test } from 'vitest'
import {
  MESSAGES,
  receiptsOutOfOrder,
  receiptWrites,
  toldDurably,
  tracedDelivery,
  tracedSending,
} from '../checker/fsync-order.ts'
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

const WHERE = [
  ['a thread of its own', true],
  ['the thread that asks', false],
] as const

test.for(WHERE)(
  'a caller is told that a message is queued, and that its receipt is kept, after an fsync of the outbox by %s',
  async ([, thread], context) => {
    requireStrace(context)
    await using world = new World()
    const calls = await tracedSending(world, { thread })
    const each = MESSAGES.map(() => true)
    expect(toldDurably(calls, 'offer', 'enqueued')).toEqual(each)
    expect(toldDurably(calls, 'receipt', 'settled')).toEqual(each)
  },
)
