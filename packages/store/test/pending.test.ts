/** What a session gets to send, on tables that a test holds in its hands. */
import { expect, test } from 'vitest'
import type { EnvelopeRow } from '../src/outbox-rows.ts'
import type { OutboxTables } from '../src/outbox-tables.ts'
import { pendingEnvelopes, Tails } from '../src/pending.ts'
import { QueuedEnvelope } from '../src/queued-envelope.ts'
import { QueuedMessages } from '../src/queued-message.ts'
import type { Reconciled } from '../src/reconcile.ts'
import { PAGE_ROWS, type Remote } from '../src/tables.ts'

const PLACE = 7

/** An outbox of rows of one message each, whose reads are counted. */
function outbox() {
  const rows: EnvelopeRow[] = []
  const counted = { reads: 0 }
  const tails = new Tails()
  let news = Promise.withResolvers<void>()
  const row = (first: number, withdrawn = 0): EnvelopeRow => {
    const none = new Uint8Array(0)
    const signed = { digest: none, statement: none, signature: none, receiver: none, outbox: none, queued_at: 0 }
    const state = { withdrawn, outcome: null, again: 0, moved: 0, lengths: null, length: 1, items: none, file: null }
    return { id: first, place: PLACE, first, count: 1, serial: first, ...signed, ...state }
  }
  const tables = {
    pending: async (_place: number, from: number) => {
      counted.reads += 1
      return { rows: rows.filter(({ first }) => first >= from).slice(0, PAGE_ROWS), over: null }
    },
  } as unknown as Remote<OutboxTables>
  const abort = new AbortController()
  const session = { place: PLACE, next: 1 } as Reconciled
  const options = { tables, tails, session, pathOf: String, news: () => news.promise }
  return {
    rows,
    tails,
    counted,
    /** Commits the next message: of this process, or of another. */
    commit(own: boolean): void {
      const next = row(rows.length + 1)
      rows.push(next)
      if (own) tails.add(PLACE, new QueuedEnvelope(next, String))
      news.resolve()
      news = Promise.withResolvers()
    },
    pending: pendingEnvelopes(options, abort.signal),
    stop: () => abort.abort(),
  }
}

/** The numbers of the next so many, and whether each is marked as withdrawn. */
async function take(pending: AsyncGenerator<QueuedEnvelope>, count: number): Promise<{ first: number; withdrawn: boolean }[]> {
  const taken: { first: number; withdrawn: boolean }[] = []
  for (let i = 0; i < count; i++) {
    const { value } = (await pending.next()) as IteratorYieldResult<QueuedEnvelope>
    taken.push({ first: value.first, withdrawn: value.withdrawn })
  }
  return taken
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ first: from + i, withdrawn: false }))

test('a session that keeps up reads back nothing that this process committed', async () => {
  const { commit, counted, pending, stop } = outbox()
  commit(true)
  expect(await take(pending, 1)).toEqual(numbers(1, 1))
  const before = counted.reads
  for (let first = 2; first <= 20; first++) {
    commit(true)
    expect(await take(pending, 1)).toEqual(numbers(first, first))
  }
  // One read may have found the first of them before the tail was there to be followed.
  expect(counted.reads - before).toBeLessThanOrEqual(1)
  stop()
})

test("what another process commits in between, or what is too much to be held, is read, in the numbers' order", async () => {
  const { commit, pending, stop } = outbox()
  commit(true)
  expect(await take(pending, 1)).toEqual(numbers(1, 1))
  for (const own of [true, false, true, true, false]) commit(own)
  expect(await take(pending, 5)).toEqual(numbers(2, 6))
  for (let i = 0; i < 3 * PAGE_ROWS; i++) commit(i % 100 !== 3)
  expect(await take(pending, 3 * PAGE_ROWS)).toEqual(numbers(7, 6 + 3 * PAGE_ROWS))
  stop()
})

test('what has been withdrawn meanwhile is sent as such', async () => {
  const { commit, pending, rows, tails, stop } = outbox()
  commit(true)
  await take(pending, 1)
  commit(true)
  commit(true)
  rows[2] = { ...rows[2]!, withdrawn: 1 }
  tails.clear()
  expect(await take(pending, 2)).toEqual([
    { first: 2, withdrawn: false },
    { first: 3, withdrawn: true },
  ])
  stop()
})

test('of a place that no session sends from nothing is held', async () => {
  const { commit, counted, pending, stop } = outbox()
  for (let i = 0; i < 3; i++) commit(true)
  expect(await take(pending, 3)).toEqual(numbers(1, 3))
  await pending.return(undefined)
  expect(counted.reads).toBe(1)
  stop()
})

test('messages of an envelope are told of together, or in the parts that they were signed anew in', () => {
  const waiting = new QueuedMessages()
  const serials = (serial: number, count: number): number[] => waiting.take(serial, count).map((message) => message.serial)
  const added = waiting.add(10, 1, 5)
  waiting.add(15, 6, 2)
  expect(added.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5])
  expect(serials(12, 2)).toEqual([12, 13])
  expect(serials(10, 1)).toEqual([10])
  expect(serials(12, 1)).toEqual([])
  expect(serials(15, 2)).toEqual([15, 16])
  expect(serials(99, 1)).toEqual([])
  expect(serials(9, 1)).toEqual([])
  expect(new Set(waiting.takeAll().map(({ serial }) => serial))).toEqual(new Set([11, 14]))
  expect(waiting.takeAll()).toEqual([])
})
