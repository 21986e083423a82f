/**
 * The connection cut at every frame: no side is sure of what is not so, and running again heals. Without TEST_FULL, between
 * real programs, at the frames around which a code is spent and keys are saved; protocol.test.ts cuts at every one.
 */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dialing, filesIn, FULL, leftToFull, listening, madeHome, type Outcome, type Running } from '../program.ts'
import { peersOf, relay } from './attacker.ts'

const FRAMES = FULL ? Array.from({ length: 12 }, (_, i) => i) : [5, 10]
if (!FULL) leftToFull('cuts between real programs at the frames other than 5 and 10')

const NOTICE = /was saved here, but the other side did not say that it has saved this side's key\nhint: run the swap again/

/** Whether what a side says of the two homes is true. A side that has saved and did not hear that the other has says so. */
function isHonest({ status, stderr }: Outcome, saved: boolean, otherSaved: boolean): boolean {
  return status === 0 ? saved && otherSaved : NOTICE.test(stderr) === saved
}

/** The last frame before the code is spent: the dialer's confirmation. */
const CONFIRMATION = 4

/** How a listener ends that was cut off. One that is not sure goes on, with a new code where the first is spent; one that has saved ends by itself. */
async function endOf(listener: Running, at: number): Promise<Outcome> {
  const next = at > CONFIRMATION ? await listener.event().catch(() => ({})) : { code: 'the same' }
  if ('code' in (next as object)) listener.interrupt()
  return listener.exited
}

test.each(FRAMES)('frame %i', async (at) => {
  const [server, client] = [await madeHome('server', { name: 'ben' }), await madeHome('client', { name: 'ada' })]
  const { listener, event, port } = await listening(server)
  const middle = await relay(port, (frame, _, index) => (index < at ? frame : undefined))
  const dialed = await dialing(client, middle.port, event.code).exited
  const listened = await endOf(listener, at)
  const saved = { server: peersOf(server, 'server').length > 0, client: peersOf(client, 'client').length > 0 }
  expect([isHonest(dialed, saved.client, saved.server), isHonest(listened, saved.server, saved.client)]).toEqual([true, true])
  expect(dialed.status === 0 && listened.status === 0).toBe(false)

  const again = await listening(server)
  expect((await dialing(client, again.port, again.event.code).exited).status).toBe(0)
  expect((await again.listener.exited).status).toBe(0)
  expect([filesIn(join(server, 'server/peers')), filesIn(join(client, 'client/peers'))]).toEqual([['ada.pem'], ['ben.pem']])
})
