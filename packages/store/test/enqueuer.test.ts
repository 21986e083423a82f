/** The way into the outbox, on tables that a test holds in its hands. */
import { generatePrivateKey, identity } from '@countersign/core'
import { composeItem } from '@countersign/core/protocol'
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
      added.push(...envelopes)
      return added.length
    },
  } as unknown as Remote<OutboxTables>
  const own = identity(generatePrivateKey())
  const to = { keys: [generatePrivateKey().publicKey] }
  const enqueuer = new Enqueuer(tables, own, () => 0)

  const first = enqueuer.add(to, composeItem('first'))
  await committing.promise
  // What a session does as it begins: the place may be another one from now on.
  enqueuer.forget()
  commit.resolve()
  expect((await first).number).toBe(1)
  expect((await enqueuer.add(to, composeItem('second'))).number).toBe(2)
})
