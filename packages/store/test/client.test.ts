import { generatePrivateKey, identity, memoryJournal } from '@countersign/core'
import { describe, expect, test, vi } from 'vitest'
import { Backoff } from '../src/backoff.ts'
import { type ConnectionState, openJournal, openOutbox, retriable } from '../src/index.ts'
import { alice, bob, dial, folder, serve, textsOf } from './parties.ts'

/** What a client did, until it was closed. */
function states(): { readonly seen: string[]; readonly onState: (state: ConnectionState) => void } {
  const seen: string[] = []
  return {
    seen,
    onState: (state) => seen.push('error' in state && state.error ? `${state.state} ${state.error.code}` : state.state),
  }
}

describe('a client that stays', () => {
  test('sends what was queued before there was a server, once there is one, and again after it went', async () => {
    const path = folder()
    const journal = await openJournal(path('journal'))
    const outbox = await openOutbox(path('outbox'), { identity: alice })
    let server = await serve(journal)
    const { port } = server
    await server.close()
    const { seen, onState } = states()
    const client = dial({ port }, { outbox, onState })
    const first = await client.send('early')
    await vi.waitUntil(() => seen.includes('waiting CONNECT'), { timeout: 30_000 })
    server = await serve(journal, { port })
    expect((await first.receipt).outcome).toBe('stored')
    await server.close()
    const second = await client.send('between')
    server = await serve(journal, { port })
    expect((await second.receipt).number).toBe(2)
    expect(await textsOf(journal)).toEqual(['early', 'between'])
    await client.close()
    expect(await client.closed).toEqual({})
    await Promise.all([outbox.close(), journal.close()])
  })

  test('does not come back by itself where a newer session has taken over', async () => {
    const path = folder()
    const outbox = await openOutbox(path('outbox'), { identity: alice })
    const server = await serve(memoryJournal())
    const older = dial(server, { outbox })
    await (
      await older.send('1')
    ).receipt
    const newer = dial(server, { outbox })
    expect(await older.closed).toMatchObject({ error: { code: 'SUPERSEDED' } })
    await (
      await newer.send('2')
    ).receipt
    await expect(older.drained()).rejects.toMatchObject({ code: 'SUPERSEDED' })
    await newer.close()
    await outbox.close()
  })

  test('gives up where it is not trusted, and says so; its messages stay', async () => {
    const path = folder()
    const outbox = await openOutbox(path('outbox'), { identity: alice })
    const server = await serve(memoryJournal(), { peers: [] })
    const client = dial(server, { outbox })
    const { serial } = await client.send('1')
    await expect(client.drained()).rejects.toMatchObject({ code: 'UNTRUSTED' })
    expect((await outbox.message(serial))!.outcome).toBeUndefined()
    await outbox.close()
  })

  test('goes on as the identity before, where the server does not know the new one yet', async () => {
    const path = folder()
    const renewed = identity(generatePrivateKey())
    const outbox = await openOutbox(path('outbox'), { identity: alice })
    const client = dial(await serve(memoryJournal()), { outbox, identity: [renewed, alice] })
    expect((await (await client.send('1')).receipt).outcome).toBe('received')
    await client.close()
    await outbox.close()
  })

  test('stops where a receipt does not fit: sending again would only bring it again', async () => {
    const path = folder()
    const outbox = await openOutbox(path('outbox'), { identity: alice })
    const journal = memoryJournal()
    // A server that has lost the end of its chain, but not its numbers.
    const forgetful = {
      ...journal,
      head: async (...args: Parameters<typeof journal.head>) => ({ ...(await journal.head(...args)), index: 7 }),
    }
    const server = await serve({ ...forgetful, append: async () => {} })
    const client = dial(server, { outbox })
    await client.send('1')
    expect(await client.closed).toMatchObject({ error: { code: 'RECEIPT' } })
    expect((await outbox.message(1))!.outcome).toBeUndefined()
    const resigned = await outbox.renew(client.peer)
    expect(resigned).toEqual([{ serial: 1, count: 1 }])
    const again = dial(await serve(memoryJournal()), { outbox })
    await again.drained()
    expect((await outbox.message(1))!.outcome).toBe('received')
    await again.close()
    await outbox.close()
  })

  test('leaves what has no receipt in the outbox when it is closed at once', async () => {
    const path = folder()
    const outbox = await openOutbox(path('outbox'), { identity: alice })
    const client = dial({ port: 1 }, { outbox })
    await client.send('1')
    await client.close()
    expect((await outbox.message(1))!.outcome).toBeUndefined()
    await outbox.close()
  })

  test('hands on what the server sends, over all sessions', async () => {
    const path = folder()
    const outbox = await openOutbox(path('outbox'), { identity: alice })
    const journal = await openJournal(path('journal'))
    const answers = await openOutbox(path('answers'), { identity: bob })
    let server = await serve(memoryJournal(), { outbox: answers })
    const client = dial(server, { outbox, journal })
    const to = { keys: [alice.publicKey] }
    const texts: string[] = []
    await answers.enqueue(to, 'one')
    for await (const message of client) {
      texts.push(await message.text())
      if (texts.length === 2) break
      const { port } = server
      await server.close()
      await answers.enqueue(to, 'two')
      server = await serve(memoryJournal(), { outbox: answers, port })
    }
    expect(texts).toEqual(['one', 'two'])
    await client.close(false)
    await Promise.all([outbox, answers, journal].map((each) => each.close()))
  })
})

test('waits grow from the first to the longest, half of each by chance, and begin anew after a session that lasted', () => {
  const backoff = new Backoff({ first: 100, most: 500 })
  for (const most of [100, 200, 400, 500, 500]) {
    const wait = backoff.next()
    expect(wait).toBeGreaterThanOrEqual(most / 2)
    expect(wait).toBeLessThanOrEqual(most)
  }
  backoff.lasted(499)
  expect(backoff.next()).toBeGreaterThanOrEqual(250)
  backoff.lasted(501)
  expect(backoff.next()).toBeLessThanOrEqual(100)
})

test('what passes by itself is tried again, and nothing that needs an operator', () => {
  const end = (code: string, reason?: number) => ({ error: { code }, ...(reason !== undefined && { reason }) }) as never
  expect(['CONNECT', 'BUSY', 'TRUNCATED', 'PEER_STORAGE', 'IDLE'].filter((code) => !retriable(end(code)))).toEqual([])
  expect(
    ['SUPERSEDED', 'UNTRUSTED', 'REVOKED', 'RECEIPT', 'WRONG_PEER', 'OWN_KEY', 'STORAGE'].filter((code) => retriable(end(code))),
  ).toEqual([])
  expect([retriable({ reason: 1 }), retriable(end('CLOSED_BY_PEER', 8)), retriable(end('CLOSED_BY_PEER', 4))]).toEqual([
    true,
    true,
    false,
  ])
})
