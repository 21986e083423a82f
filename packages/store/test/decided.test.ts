/** Envelopes that have their outcome: what is said of them later changes nothing. */
import { connect, memoryJournal, type Peer } from '@countersign/core'
import { openDatabase } from '../src/database.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openOutbox, type StoredOutbox } from '../src/index.ts'
import { OUTBOX_SCHEMA } from '../src/outbox-schema.ts'
import { alice, all, bob, folder, serve } from './parties.ts'

const toAlice: Peer = { keys: [alice.publicKey] }

/** Alice receives from this port, and does not answer before she is told what. */
async function receiving(port: number) {
  const asked = Promise.withResolvers<void>()
  const verdict = Promise.withResolvers<boolean>()
  const policy = { envelope: () => (asked.resolve(), verdict.promise) }
  const to = { host: '127.0.0.1', port, identity: alice, peer: bob.publicKey }
  const session = await connect({ ...to, journal: memoryJournal(), policy })
  onTestFinished(() => session.abandon(0))
  await asked.promise
  return { session, answer: verdict.resolve }
}

/** An envelope of two messages that was refused twice, in two sessions and by two journals. */
async function refusedTwice(file: string): Promise<void> {
  const outbox = await openOutbox(file, { identity: bob })
  const queued = await Promise.all(['a', 'b'].map((text) => outbox.enqueue(toAlice, text)))
  for (const { receipt } of queued) receipt.catch(() => {})
  const server = await serve(memoryJournal(), { outbox })
  const [older, newer] = [await receiving(server.port), await receiving(server.port)]
  older.answer(false)
  await expect.poll(async () => (await all(outbox.messages())).map(({ number }) => number)).toEqual([3, 4])
  newer.answer(false)
  await Promise.race([outbox.drained(toAlice), newer.session.closed])
  await server.close()
  await outbox.close()
}

async function numbersOf(outbox: StoredOutbox): Promise<unknown[]> {
  return (await all(outbox.messages())).map(({ serial, number, outcome }) => [serial, number, outcome])
}

describe('an envelope that two sessions of its receiver refuse', () => {
  test('is signed anew once; the other receipt is kept, and the outbox can be opened again', async () => {
    const file = folder()('outbox')
    await refusedTwice(file)
    await using outbox = await openOutbox(file, { identity: bob })
    expect(await numbersOf(outbox)).toEqual([
      [1, 3, 'refused'],
      [2, 4, 'refused'],
    ])
    const receipts = (await all(outbox.receipts())).map(({ receiptStatement: { first, count } }) => [first, count])
    expect(receipts).toEqual([
      [1, 2],
      [1, 2],
      [3, 1],
      [4, 1],
    ])
  })

  test('does not keep an outbox closed that was broken so before', async () => {
    const file = folder()('outbox')
    await refusedTwice(file)
    const database = openDatabase(file, OUTBOX_SCHEMA)
    database.exec('UPDATE envelope SET again = 2 WHERE moved = 1')
    database.close()
    await using outbox = await openOutbox(file, { identity: bob })
    await outbox.drained(toAlice)
    expect(await numbersOf(outbox)).toEqual([
      [1, 3, 'refused'],
      [2, 4, 'refused'],
    ])
  })
})

test('an envelope that one session refuses and another one stores came to what its first receipt says', async () => {
  const outbox = await openOutbox(folder()('outbox'), { identity: bob })
  onTestFinished(() => outbox.close())
  const { receipt } = await outbox.enqueue(toAlice, 'a')
  const server = await serve(memoryJournal(), { outbox })
  const [older, newer] = [await receiving(server.port), await receiving(server.port)]
  older.answer(false)
  await expect(receipt).rejects.toMatchObject({ code: 'MESSAGE_REFUSED' })
  newer.answer(true)
  await expect.poll(async () => (await all(outbox.receipts())).map((kept) => kept.receiptStatement.outcome)).toEqual([3, 2])
  expect(await numbersOf(outbox)).toEqual([[1, 1, 'refused']])
})
