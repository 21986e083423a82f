/** A connection that is cut at any byte, either way, costs a reconnect and nothing else. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Child } from '../programs/child.ts'
import type { Plan, Way } from '../proxy.ts'
import { World } from '../programs/world.ts'

/** Bytes of the handshake, headers included: HELLO and ACK, HELLO+ACK and SESSION-KEY (protocol section 2). */
const HANDSHAKE = { up: 1292 + 4116, down: 5268 + 1044 }
const FULL = process.env['TEST_FULL'] !== undefined
/** Every so many bytes of the handshake. */
const STEP = FULL ? 1 : 397

/** A port at which nobody listens. */
const NOWHERE = 1

let world: World
let server: Child

beforeEach(async () => {
  world = new World()
  server = await world.serve()
})
afterEach(() => world[Symbol.asyncDispose]())

function cutsOf(way: Way): Plan[] {
  const edges = way === 'up' ? [0, 1, 4, 1291, 1292, 1293] : [0, 1, 4, 5267, 5268, 5269]
  const steps = Array.from({ length: Math.floor(HANDSHAKE[way] / STEP) }, (_, i) => i * STEP)
  // Behind it come a PING or PONG, one envelope or its receipt, and CLOSE, a byte at a time.
  const behind = Array.from({ length: FULL ? 330 : 33 }, (_, i) => HANDSHAKE[way] + i * (FULL ? 1 : 10))
  const all = new Set([...edges, ...steps, ...behind].toSorted((a, b) => a - b))
  return [...all].map((at) => ({ way, at, act: 'cut' }))
}

for (const way of ['up', 'down'] as const) {
  test(`cut in and behind the handshake, ${way}`, { timeout: FULL ? 1_800_000 : 60_000 }, async () => {
    const proxy = await world.proxy()
    const sender = await world.sender()
    const cuts = cutsOf(way)
    proxy.next = cuts[0]
    sender.connect()
    for (const [i, cut] of cuts.entries()) {
      sender.send([`message ${i}`])
      await proxy.until(() => proxy.done.length > i || proxy.bytes[way] > 2 ** 20)
      expect(proxy.done[i]).toEqual(cut)
      proxy.next = cuts[i + 1]
    }
    await sender.drained()
    console.log(`${cuts.length} cuts ${way}, ${proxy.connections} connections`)
    const { faults, counts } = await world.check()
    expect(faults).toEqual([])
    expect(counts).toMatchObject({ enqueued: cuts.length, stored: cuts.length })
  })
}

test('cut inside a large body, and where it was begins the rest', async () => {
  const MIB = 1024 * 1024
  const proxy = await world.proxy()
  const cuts = [4, 7, 9].map((mib): Plan => ({ way: 'up', at: HANDSHAKE.up + mib * MIB + 1, act: 'hold' }))
  const { target } = proxy
  proxy.next = cuts[0]
  const sender = await world.sender()
  sender.connect().send(['large'], { length: 24 * MIB })
  let before = 0
  for (const [i, { at }] of cuts.entries()) {
    await proxy.until(() => proxy.done.length > i)
    // What is on its way to the disk is the server's to lose: the cut comes when most of it is there.
    await expect.poll(heldInPart, { timeout: 30_000 }).toBeGreaterThan(before + at - 2 * MIB)
    // Whoever comes again while what came before is still being written is sent away once more: that session would not be cut.
    proxy.target = NOWHERE
    proxy.cut()
    await server.next('over')
    before = heldInPart()
    proxy.next = cuts[i + 1]
    proxy.target = target
  }
  await sender.drained()
  const { faults } = await world.check()
  expect(faults).toEqual([])
  expect(await world.stored()).toEqual(['large'])
  expect(proxy.bytes.up).toBeLessThan((24 + 3 * 3) * MIB)
})

/** Bytes of the one long item that is on its way. */
function heldInPart(): number {
  const folder = `${world.journal}-items`
  return readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0)
}
