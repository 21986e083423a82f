/** A server that dies at any point has given no receipt that does not hold, and takes what is sent again once. */
import { expect, test } from 'vitest'
import { SERVER_POINTS } from '../programs/points.ts'
import { World } from '../programs/world.ts'

const MIB = 1024 * 1024

for (const point of SERVER_POINTS) {
  test(`killed at "${point}", in a short message and in a long one`, async () => {
    await using world = new World()
    const dies = { point, act: 'kill' } as const
    const server = await world.serve({ death: { ...dies, time: point === 'body' ? 1 : 2 } })
    const sender = await world.sender()
    sender.connect().send(['one', 'two', 'three'], { inTurn: true })
    if (point === 'body') sender.send(['long'], { length: 3 * MIB })
    expect(await server.exited).toBe('SIGKILL')
    const receipts = sender.child.all('receipt').length
    expect(receipts).toBeGreaterThanOrEqual(1)
    expect(receipts).toBeLessThanOrEqual({ body: 3, receipted: 2 }[point as string] ?? 1)

    const second = await world.serve({ death: { ...dies, time: point === 'body' ? 3 : 2 } })
    sender.send([`long ${point}`], { length: 3 * MIB }).send(['four'])
    expect(await second.exited).toBe('SIGKILL')

    await world.serve()
    await sender.drained()
    const { faults, counts } = await world.check()
    expect(faults).toEqual([])
    expect(counts.stored).toBe(point === 'body' ? 6 : 5)
    expect(await world.leftovers()).toEqual([])
  })
}

test('what a server had stored when it died is answered with the stored receipt', async () => {
  await using world = new World()
  const server = await world.serve({ death: { point: 'committed', time: 1, act: 'kill' } })
  const sender = await world.sender()
  sender.connect().send(['one'])
  await server.exited
  const [stored] = await world.receipts()
  expect(sender.child.all('receipt')).toEqual([])
  await world.serve()
  await sender.drained()
  expect(sender.child.all('receipt').map(({ receipt }) => receipt)).toEqual([stored])
  expect(await world.receipts()).toEqual([stored])
})
