/**
 * A SIGKILL at every fsync, rename and write of the threads that own journal and outbox: nothing lost, nothing twice.
 *
 * strace kills the program as it enters its n-th such call. Without TEST_FULL it kills in the last message alone, which is a
 * long one, and not at writes.
 */
import { expect, test } from 'vitest'
import type { Child } from '../programs/child.ts'
import { callsIn, killAt, requireStrace, traced } from '../programs/strace.ts'
import { World } from '../programs/world.ts'

const FULL = process.env['TEST_FULL'] !== undefined
const KINDS = FULL ? ['fsync', 'fdatasync', 'rename', 'pwrite64'] : ['fsync', 'fdatasync', 'rename']
const CALLS = 'fsync,fdatasync,rename,pwrite64,write'
const TIMEOUT = 900_000
const LONG = { length: 1024 * 1024 + 1 }

type Victim = 'server' | 'client'

/** Short messages and a long one, with one side under strace; where that is killed, its next life does the rest. */
async function deliver(world: World, victim: Victim, words: readonly string[]): Promise<Child> {
  const under = traced(world.path('calls'), CALLS, ...words)
  const server = await world.serve(victim === 'server' ? { under } : {}).catch(() => undefined)
  const sender = await world.sender('ada', victim === 'client' ? { under } : {})
  sender.connect().send(['one', 'two'], { inTurn: true }).send(['long'], LONG)
  sender.order({ do: 'drain' })
  const drained = sender.child.next('drained').catch(() => undefined)
  if (victim === 'server') {
    const killed = server === undefined || (await Promise.race([server.exited, drained])) === 'SIGKILL'
    if (killed) await world.serve()
    await drained
    return server!
  }
  if ((await drained) === undefined) await (await world.sender()).connect().send(['last']).drained()
  return sender.child
}

for (const victim of ['server', 'client'] as const) {
  test(`a ${victim} that is killed at each call that makes something durable`, { timeout: TIMEOUT }, async (context) => {
    requireStrace(context)
    const points = await pointsOf(victim)
    expect(points.map(({ kind }) => kind)).toContain('fsync')
    expect(points.length).toBeGreaterThanOrEqual(victim === 'server' ? 6 : 2)
    let killed = 0
    for (const { kind, n } of points) {
      await using world = new World()
      const child = await deliver(world, victim, killAt(kind, n))
      if (!child.running) killed += Number((await child.exited) === 'SIGKILL')
      const { faults } = await world.check()
      expect(faults, `${kind} ${n}`).toEqual([])
      expect(await world.leftovers(), `${kind} ${n}`).toEqual([])
    }
    console.log(`${victim}: killed at ${killed} of ${points.length} calls`)
    expect(killed).toBe(points.length)
  })
}

interface CallPoint {
  readonly kind: string
  /** Which of that kind in its thread, from 1. */
  readonly n: number
}

/** Runs it once, unharmed, to see the calls of the thread that owns the database. */
async function pointsOf(victim: Victim): Promise<CallPoint[]> {
  await using world = new World()
  const child = await deliver(world, victim, [])
  await child.end()
  await child.exited
  const calls = callsIn(world.path('calls'))
  const told = (event: string): number => calls.find(({ args }) => args.includes(`\\"event\\":\\"${event}\\"`))!.began
  const database = calls.find(({ args }) => args.includes('.db-wal>'))!.thread
  const own = calls.filter(({ thread }) => thread === database)
  const from = FULL ? told(victim === 'server' ? 'listening' : 'ready') : startOfLong(calls, victim)
  const until = told('ended')
  return KINDS.flatMap((kind) => {
    const ofKind = own.filter(({ name }) => name === kind)
    return ofKind.flatMap(({ began }, i) => (began > from && began < until ? [{ kind, n: i + 1 }] : []))
  })
}

/** What comes behind the second receipt is for the long message. */
function startOfLong(calls: ReturnType<typeof callsIn>, victim: Victim): number {
  if (victim === 'client') return calls.filter(({ args }) => args.includes('\\"event\\":\\"settled\\"'))[1]!.began
  return calls.find(({ args }) => args.includes('.part>'))!.began - 1
}
