import { duplexPair } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { copy } from '../../src/bytes.ts'
import { random } from '../../src/crypto/hash.ts'
import { composeEnvelope, composeItem } from '../../src/delivery/compose.ts'
import { type Journal, NO_POSITION } from '../../src/delivery/journal.ts'
import { memoryJournal } from '../../src/delivery/memory-journal.ts'
import { clientHandshake } from '../../src/handshake/client.ts'
import { driveHandshake } from '../../src/node/handshake.ts'
import { secureServer } from '../../src/node/secure.ts'
import { Wire } from '../../src/node/wire.ts'
import { Session } from '../../src/session/session.ts'
import { wireOf } from '../delivery/envelopes.ts'
import { alice, bob } from './parties.ts'

const MIB = 1024 * 1024

test('a peer that asks on and never reads an answer is read no further past 1 MiB of them, and gets them all once it reads', async () => {
  const [near, far] = duplexPair()
  let looked = 0
  const inner = memoryJournal()
  const find: Journal['find'] = (...args) => {
    looked += 1
    return inner.find(...args)
  }
  const serving = secureServer(near, { identity: bob, peers: [alice.publicKey], journal: { ...inner, find } })

  const outbox = random(16)
  const peer = { keys: [bob.publicKey] }
  const wire = new Wire(far)
  const handshake = clientHandshake({ identity: alice, peer, outbox, maxItem: 2 ** 53, receives: false })
  const here = { journal: random(16), position: NO_POSITION }
  const knowledge = { trust: () => undefined, locate: () => Promise.resolve(here) }
  const { secrets } = await driveHandshake(wire, handshake, knowledge, () => {})
  const client = new Session({ role: 'client', secrets, mayReceive: false, now: 0 })
  const say = (): void => void wire.write(client.takeOutput(0))
  say()
  const server = await serving
  onTestFinished(() => server.abandon(0))
  wire.pause()

  // The same message again and again: each time its receipt is due once more, which is as long as the question.
  const item = await composeItem('again')
  const envelope = await wireOf(await composeEnvelope(alice, { to: bob.publicKey.id, outbox, first: 1, sentAt: 1 }, [item]))
  const most = Math.ceil((4 * MIB) / envelope.length)
  let asked = 0
  while (asked < most && !near.isPaused()) {
    for (const until = asked + 16; asked < until; asked++) client.send('MESSAGE-END', [envelope], 0)
    say()
    // One at a time: what waits to be looked at is not what holds it back.
    await vi.waitUntil(() => looked === asked - 1 || near.isPaused(), { interval: 1, timeout: 20_000 })
  }
  expect(near.isPaused()).toBe(true)

  let answers = 0
  let length = 0
  const take = (chunk: Uint8Array): void => {
    length += chunk.length
    for (const event of client.receive(copy(chunk), 0)) if (event.type === 'receipt') answers += 1
  }
  wire.listen({ chunk: take, end: () => {}, drain: () => {} })
  await vi.waitUntil(() => answers === asked, { timeout: 20_000 })
  expect(near.isPaused()).toBe(false)
  expect(length).toBeGreaterThan(MIB)
  expect(length).toBeLessThan(1.5 * MIB)
})
