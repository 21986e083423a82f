/** The way into the outbox, on tables that a test holds in its hands. */
import { generatePrivateKey, identity } from '@countersign/core'
import { expect, test } from 'vitest'
import { Enqueuer } from '../src/enqueuer.ts'
import type { NewEnvelope } from '../src/outbox-rows.ts'
import type { OutboxTables } from '../src/outbox-tables.ts'
import type { Remote } from '../src/tables.ts'

test('a message that follows a session which began while another was committed gets its number', async () => {
  const committing = Promise.withResolvers<void>()
  const commit = Promise.withResolvers<void>()
  const added: NewEnvelope[] = []
  const tables = {
    place: async () => ({ id: 1, outbox: new Uint8Array(16), last: added.length, closed: null }),
    add: async (_place: number, envelopes: readonly NewEnvelope[]) => {
      committing.resolve()
      await commit.promise
      return envelopes.map((envelope) => ({ id: added.push(envelope), serial: envelope.first }))
    },
  } as unknown as Remote<OutboxTables>
  const own = identity(generatePrivateKey())
  const to = { keys: [generatePrivateKey().publicKey] }
  const none = new Uint8Array(0)
  const enqueuer = new Enqueuer({
    tables,
    identity: own,
    now: () => 0,
    queued: (_place, { first }, { serial }) => [{ serial, number: first, receipt: new Promise(() => {}) }],
    committed: () => {},
  })

  const first = enqueuer.add(to, 'first', none)
  await committing.promise
  // What a session does as it begins: the place may be another one from now on.
  enqueuer.forget()
  commit.resolve()
  expect((await first).number).toBe(1)
  expect((await enqueuer.add(to, 'second', none)).number).toBe(2)
})
