/** The checker notices when a promise is broken. Each fault is planted in the product's own source as it is loaded. */
import { expect, test } from 'vitest'
import { planted } from '../programs/plants.ts'
import { requireStrace } from '../programs/strace.ts'
import { World } from '../programs/world.ts'
import { receiptsOutOfOrder, toldDurably, tracedDelivery, tracedSending } from './fsync-order.ts'
import { paused } from './paused.ts'

test('a receipt before the commit', async () => {
  await using world = new World()
  // Dead before the commit: with the plant the receipt is on its way all the same.
  const server = await world.serve({ ...planted('receipt before commit'), death: { point: 'appending', time: 1, act: 'stop' } })
  const sender = await world.sender()
  sender.connect().send(['one'])
  await sender.child.next('settled')
  await server.kill()
  const { faults } = await world.check()
  expect(faults).toEqual(['ada: enqueued and lost: one', 'ada: receipted and not stored'])
})

test('no place check', async () => {
  await using world = new World()
  expect(await paused(world, planted('no place check'))).toBe('stored')
  const { faults } = await world.check()
  expect(faults).toContain('ada: stored 2 times: two')
  expect(faults.some((fault) => fault.endsWith('number 2 where 4 is due'))).toBe(true)
})

test('receipts signed anew', async () => {
  await using world = new World()
  await world.serve(planted('receipts signed anew'))
  const killed = await world.sender('ada', { death: { point: 'receipt', time: 1, act: 'kill' } })
  killed.connect().send(['one'])
  await killed.child.exited
  await (await world.sender()).connect().drained()
  const { faults } = await world.check()
  expect(faults).toEqual(['ada: two different receipts for one envelope'])
})

test('synchronous=NORMAL', async (context) => {
  requireStrace(context)
  await using world = new World()
  const calls = await tracedDelivery(world, planted('synchronous=NORMAL'))
  expect(receiptsOutOfOrder(calls)).not.toEqual([])
})

test('synchronous=NORMAL, at the sender', async (context) => {
  requireStrace(context)
  await using world = new World()
  const calls = await tracedSending(world, planted('synchronous=NORMAL'))
  expect(toldDurably(calls, 'offer', 'enqueued')).toContain(false)
  expect(toldDurably(calls, 'receipt', 'settled')).toContain(false)
})
