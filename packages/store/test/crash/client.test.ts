/** A client that dies at any point has promised nothing that does not come true, and nothing comes twice. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CLIENT_POINTS } from '../programs/points.ts'
import { World } from '../programs/world.ts'

const LABELS = ['one', 'two', 'three', 'four']
/** Not the first: what was sent before has its receipt, and must be left alone. */
const TIME = 2

/** Who writes the outbox, at each point. */
const WAYS = [true, false].flatMap((thread) => CLIENT_POINTS.map((point) => ({ point, thread, sender: `${point}-${thread}` })))

let world: World

beforeAll(async () => {
  world = new World({ senders: WAYS.map(({ sender }) => sender) })
  await world.serve()
})
afterAll(() => world[Symbol.asyncDispose]())

for (const { point, thread, sender } of WAYS) {
  test(`killed at "${point}", ${thread ? 'the outbox in a thread of its own' : 'the outbox in its only thread'}`, async () => {
    const killed = await world.sender(sender, { thread, death: { point, time: TIME, act: 'kill' } })
    killed.connect().send(LABELS, { inTurn: true })
    expect(await killed.child.exited).toBe('SIGKILL')
    expect(killed.child.all('point')).toHaveLength(1)
    const seen = world.history.get(sender)!
    const answered = LABELS.slice(0, point === 'enqueuing' ? TIME - 1 : TIME)
    expect(seen.enqueued).toEqual(answered)

    const again = await world.sender(sender, { thread })
    await again.connect().send(['last']).drained()
    const { faults } = await world.check()
    expect(faults).toEqual([])
    // Beside what it had promised there may be the one that it was killed in.
    const labels = await world.stored(sender)
    expect(labels.filter((label) => answered.includes(label) || label === 'last')).toEqual([...answered, 'last'])
    expect(labels.length).toBeLessThanOrEqual(TIME + 1)
  })
}
