/** What a server does with several sessions of one client, and with one whose trust is taken back meanwhile. */
import { expect, test, vi } from 'vitest'
import { hex } from '../../src/bytes.ts'
import { generatePrivateKey } from '../../src/crypto/keys.ts'
import { identity, type Identity } from '../../src/crypto/signature.ts'
import type { Journal } from '../../src/delivery/journal.ts'
import { memoryJournal } from '../../src/delivery/memory-journal.ts'
import { MemoryOutbox } from '../../src/delivery/memory-outbox.ts'
import type { Trust } from '../../src/handshake/step.ts'
import { REASON } from '../../src/wire/records.ts'
import { alice, dial, serve } from './parties.ts'

/** Another process that sends from the same outbox. */
function sameOutbox({ id }: MemoryOutbox, by: Identity = alice): MemoryOutbox {
  return Object.assign(new MemoryOutbox(by, Date.now), { id })
}

test('a newer session of the same outbox takes over, and the older one is told', async () => {
  const running = await serve()
  const kept = new MemoryOutbox(alice, Date.now)
  const older = await dial(running, { outbox: kept })
  const [first, firstServer] = [await older.send('one'), await running.next()]
  const newer = await dial(running, { outbox: kept })
  expect((await older.closed).error?.code).toBe('SUPERSEDED')
  expect((await firstServer.closed).error).toBeUndefined()
  expect(first.number).toBe(1)
  await newer.close()
})

test.each<[what: string, now: Trust, reason: number, ours: string, theirs: string]>([
  ['revoked', { revoked: alice.publicKey }, REASON.revoked, 'REVOKED', 'REVOKED'],
  ['forgotten', undefined, REASON.goingAway, 'UNTRUSTED', 'CLOSED_BY_PEER'],
])(
  'nothing is taken of a client that was %s between the handshake and its first record',
  async (_, now, reason, ours, theirs) => {
    const journal = memoryJournal()
    const append = vi.spyOn(journal, 'append')
    let asked = 0
    const running = await serve({ journal, peers: () => (asked++ === 0 ? { peer: { keys: [alice.publicKey] } } : now) })
    const client = await dial(running)
    await expect(client.send('too late')).rejects.toMatchObject({ code: theirs })
    expect(await client.closed).toMatchObject({ reason })
    expect(running.rejected.map(({ code }) => code)).toEqual([ours])
    expect(append).not.toHaveBeenCalled()
    expect(running.server.sessions.size).toBe(0)
  },
)

test('nobody who is not trusted any more takes the place of who is', async () => {
  const old = identity(generatePrivateKey())
  const peer = { keys: [old.publicKey, alice.publicKey] }
  // The old key of a chain: its overlap ends between the handshake and the first record.
  let asked = 0
  const trust = (id: Uint8Array): Trust => (hex(id) === hex(old.publicKey.id) && asked++ > 0 ? undefined : { peer })
  const running = await serve({ peers: trust })
  const outbox = new MemoryOutbox(alice, Date.now)
  const honest = await dial(running, { outbox, journal: memoryJournal() })
  const served = await running.next()
  const thief = await dial(running, { identity: old, outbox: sameOutbox(outbox, old), journal: memoryJournal() })
  await thief.closed
  expect(running.rejected.map(({ code }) => code)).toEqual(['UNTRUSTED'])
  expect((await served.send('still sent')).outcome).toBe('received')
  expect((await honest.send('still taken')).outcome).toBe('received')
})

test('no record of a newer session is read before the older one’s commit is over, also where one came in between', async () => {
  const journal = memoryJournal()
  const log: string[] = []
  const [begun, finished] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const slow: Journal = {
    ...journal,
    async head(place) {
      log.push('read')
      return journal.head(place)
    },
    async append(entry) {
      begun.resolve()
      await finished.promise
      await journal.append(entry)
      log.push('stored')
    },
  }
  const running = await serve({ journal: slow })
  const outbox = new MemoryOutbox(alice, Date.now)
  const first = await dial(running, { outbox })
  first.send('one').catch(() => {})
  await begun.promise
  // It says nothing but PING.
  await dial(running, { outbox: sameOutbox(outbox) })
  await vi.waitFor(() => expect(running.server.sessions.size).toBe(2))
  const third = await dial(running, { outbox: sameOutbox(outbox) })
  await vi.waitFor(() => expect(running.server.sessions.size).toBe(3))
  log.length = 0
  // What stands behind a commit of another's is answered as it finds it then.
  const sent = third.send('two').catch(() => {})
  await third.ping()
  await third.ping()
  finished.resolve()
  await sent
  expect(log[0]).toBe('stored')
})

test('a client is sent to in its newest receiving session alone', async () => {
  const running = await serve()
  const older = await dial(running, { journal: memoryJournal() })
  const olderServer = await running.next()
  await olderServer.send('to the first')
  const newer = await dial(running, { journal: memoryJournal() })
  const newerServer = await running.next()
  await expect(olderServer.send('no more')).rejects.toMatchObject({ code: 'PEER_NOT_RECEIVING' })
  expect((await newerServer.send('to the second')).outcome).toBe('received')
  expect((await older.send('the first still sends')).outcome).toBe('received')
  await newer.close()
})
