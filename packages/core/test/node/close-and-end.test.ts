import { once } from 'node:events'
import { createConnection } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import type { Journal } from '../../src/delivery/journal.ts'
import { memoryJournal } from '../../src/delivery/memory-journal.ts'
import { MemoryOutbox } from '../../src/delivery/memory-outbox.ts'
import { LocalError } from '../../src/errors.ts'
import type { TraceEvent } from '../../src/node/options.ts'
import { secureClient } from '../../src/node/secure.ts'
import { alice, bob, dial, serve } from './parties.ts'

test('what a peer’s CLOSE says is the end, also where its stream ends while receipts before it are being kept', async () => {
  const inner = memoryJournal()
  let appended = 0
  const append: Journal['append'] = (entry) => {
    appended += 1
    return appended === 1 ? inner.append(entry) : Promise.reject(new LocalError('STORAGE', 'full'))
  }
  const running = await serve({ journal: { ...inner, append } })
  const socket = createConnection({ host: '127.0.0.1', port: running.server.port })
  const ended = once(socket, 'end').then(() => setImmediate())
  const outbox = new MemoryOutbox(alice, Date.now)
  const settle = outbox.settle.bind(outbox)
  outbox.settle = async (...args) => {
    await ended
    return settle(...args)
  }
  const client = await secureClient(socket, { identity: alice, peer: bob.publicKey, outbox })
  const first = client.send('stored')
  const second = client.send(new Blob(['not stored']))
  second.catch(() => {})
  expect((await client.closed).error?.code).toBe('PEER_STORAGE')
  expect((await first).number).toBe(1)
  await expect(second).rejects.toMatchObject({ code: 'PEER_STORAGE' })
})

test('a program that reads nothing for longer than a peer may be silent does not lose its session', async () => {
  const signs: string[] = []
  const trace = ({ sent, kind }: TraceEvent): void => void (sent && kind === 'KEY-UPDATE' && signs.push(kind))
  const running = await serve({ limits: { pingAfter: 100, idleAfter: 1_000 }, trace })
  const client = await dial(running)
  const server = await running.next()
  const many = 80
  const body = new Uint8Array(512 * 1024)
  const sent = Promise.all(Array.from({ length: many }, () => client.send(body)))
  sent.catch(() => {})
  // Each of them stands for `pingAfter` in which nothing was read.
  await vi.waitUntil(() => signs.length > 10, { timeout: 20_000 })
  let read = 0
  for await (const _ of server) if ((read += 1) === many) break
  expect((await sent).at(-1)!.number).toBe(many)
  expect((await client.send('and on')).number).toBe(many + 1)
})
