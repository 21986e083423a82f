/** Attacks of whoever stands between the two machines and does not know the code. */
import { generatePrivateKey, identity } from '@countersign/core'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { Channel } from '../../src/swap/channel.ts'
import { driveSwap, type Party } from '../../src/swap/drive.ts'
import { type CodeEvent, dialing, FULL, leftToFull, listening, temporaryFolder } from '../program.ts'
import { dialRaw, offerFalsely, peersOf, relay, serveRaw } from './attacker.ts'

const party: Party = {
  identity: identity(generatePrivateKey()),
  name: 'mallory',
  decide: () => true,
  save: () => {},
}

test('who relays every frame unchanged learns nothing and stops nothing', async () => {
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { listener, event, port } = await listening(server)
  const middle = await relay(port, (frame) => frame)
  const dialed = await dialing(client, middle.port, event.code).exited
  expect([dialed.status, (await listener.exited).status]).toEqual([0, 0])
  expect(peersOf(server, 'server').length + peersOf(client, 'client').length).toBe(2)
})

test('who runs a swap of their own with each side, on a guess, burns the code at both ends and is trusted by neither', async () => {
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { listener, event, port } = await listening(server)
  const guess = event.code === 'zoo-zoo-zoo' ? 'zoo-zoo-zone' : 'zoo-zoo-zoo'
  const { port: middle } = await serveRaw((socket) => {
    const steps = { code: guess, party, spend: () => true, signal: AbortSignal.timeout(20_000) }
    driveSwap({ ...steps, role: 'listener', channel: new Channel(socket) }).catch(() => {})
  })
  const dialed = dialing(client, middle, event.code)
  await expect(offerFalsely({ code: guess, port })).rejects.toMatchObject({ code: 'CODE_MISMATCH' })

  const { status, stderr } = await dialed.exited
  expect(status).toBe(7)
  expect(stderr).toMatch(/someone in between tried one; it is spent, and nothing was saved/)
  expect(await listener.event()).toMatchObject({ spent: 'wrong' })
  listener.interrupt()
  expect((await listener.exited).stderr).toMatch(/Somebody tried a wrong code\. That code is spent, and nothing was saved\./)
  expect([...peersOf(server, 'server'), ...peersOf(client, 'client')]).toEqual([])
})

test.each([6, 7])('who replaces the sealed offer in frame %i with another of its length is noticed', async (at) => {
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { listener, event, port } = await listening(server)
  const middle = await relay(port, (frame, _, index) =>
    index === at ? Buffer.concat([frame.subarray(0, 2), Buffer.alloc(frame.length - 2, 7)]) : frame,
  )
  const dialed = await dialing(client, middle.port, event.code).exited
  expect(dialed.status).not.toBe(0)
  listener.interrupt()
  expect((await listener.exited).status).not.toBe(0)
  expect([...peersOf(server, 'server'), ...peersOf(client, 'client')]).toEqual([])
})

test('a guess burns the code: the right one, a moment later, is refused', async () => {
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { listener, event, port } = await listening(server)
  await expect(offerFalsely({ code: 'zoo-zoo-zoo', port })).rejects.toMatchObject({ code: 'CODE_MISMATCH' })
  expect(((await listener.event()) as CodeEvent).spent).toBe('wrong')
  const late = await dialing(client, port, event.code).exited
  expect(late.status).toBe(7)
  expect([...peersOf(server, 'server'), ...peersOf(client, 'client')]).toEqual([])
})

test('who goes on guessing is cut off after ten wrong codes', async () => {
  const server = temporaryFolder()
  const { listener, port } = await listening(server)
  for (let i = 0; i < 10; i++)
    await expect(offerFalsely({ code: 'zoo-zoo-zoo', port })).rejects.toMatchObject({ code: 'CODE_MISMATCH' })
  const { status, stderr } = await listener.exited
  expect(status).toBe(7)
  expect(stderr).toMatch(/error: 10 wrong codes were tried; nothing was saved\nhint: somebody is guessing/)
})

test('a false listener that takes the confirmation and hangs up gets one, and no second', async () => {
  const client = temporaryFolder()
  const confirmations: Buffer[] = []
  const { port } = await serveRaw((socket) => {
    let seen = 0
    socket.on('data', (bytes: Buffer) => {
      seen += bytes.length
      if (seen === 23) socket.write(Buffer.concat([Buffer.from([0, 16]), Buffer.alloc(16)]))
      // The base point of ristretto255: any valid share does.
      else if (seen === 23 + 34) socket.write(Buffer.from(`0020${BASE_POINT}`, 'hex'))
      else if (seen === 23 + 34 + 66) {
        confirmations.push(bytes)
        socket.destroy()
      }
    })
  })
  const { status, stderr } = await dialing(client, port, 'abandon-ability-able').exited
  expect(status).toBe(7)
  expect(stderr).toMatch(/it is spent, and nothing was saved/)
  expect(confirmations).toHaveLength(1)
})

const BASE_POINT = 'e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76'

test('twenty idle connections do not keep the true peer out: the one that has been idle longest makes room', async () => {
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { listener, event, port } = await listening(server)
  const idle = []
  for (let i = 0; i < 20; i++) idle.push(await dialRaw(port))
  const evicted = once(idle[0]!.resume(), 'close')
  await dialRaw(port)
  await evicted
  expect(idle.slice(1).map(({ readableEnded }) => readableEnded)).toEqual(Array.from({ length: 19 }, () => false))
  const dialed = await dialing(client, port, event.code).exited
  expect([dialed.status, (await listener.exited).status]).toEqual([0, 0])
})

test('while one side that had the code right is deciding, nobody else can use it', async () => {
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { listener, event, port } = await listening(server)
  const decision = Promise.withResolvers<boolean>()
  const deciding = Promise.withResolvers<void>()
  const first = offerFalsely({
    code: event.code,
    port,
    name: 'first',
    decide: () => (deciding.resolve(), decision.promise),
  })
  await deciding.promise
  expect((await dialing(client, port, event.code).exited).status).not.toBe(0)
  decision.resolve(true)
  expect(await first).toMatchObject({ confirmed: true })
  expect((await listener.exited).status).toBe(0)
  expect([peersOf(server, 'server'), peersOf(client, 'client')]).toEqual([['first.pem'], []])
})

const STRANGE = [`0020${'00'.repeat(32)}`, 'ffff', '0020', '0015', '']
if (!FULL) leftToFull('some bytes that are no swap, sent to a real listener')

test.each(FULL ? STRANGE : STRANGE.slice(0, 2))('bytes that are no swap (%s) do not spend the code', async (bytes) => {
  const [server, client] = [temporaryFolder(), temporaryFolder()]
  const { event, port } = await listening(server)
  const stranger = await dialRaw(port)
  stranger.end(Buffer.from(bytes, 'hex'))
  stranger.resume()
  await once(stranger, 'close')
  expect((await dialing(client, port, event.code).exited).status).toBe(0)
})
