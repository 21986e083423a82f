/** The example of a journal keeps what `Journal` promises. */
import { generatePrivateKey, type Entry, type Journal, type Place } from '@countersign/core'
import { OUTCOME, type Outcome } from '@countersign/core/protocol'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deserialize } from 'node:v8'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openFolderJournal } from '../own-journal.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'own-journal-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const { id: sender } = generatePrivateKey().publicKey
const { id: receiver } = generatePrivateKey().publicKey
const place: Place = { sender, receiver, outbox: new Uint8Array(16).fill(7) }

const bytes = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)

interface Shape {
  readonly outcome?: Outcome
  readonly mark?: number
  readonly items?: Entry['items']
}

/** The entry of the index-th receipt of the place, for an envelope of one message. */
function entry(index: number, { outcome = OUTCOME.stored, mark = index, items = [bytes(20, index)] }: Shape = {}): Entry {
  const { outbox } = place
  const statement = { outbox, first: index, count: 1, digest: bytes(32, mark), outcome, receivedAt: 1000 + index }
  return {
    place,
    message: { statement: bytes(100, mark), signature: bytes(64, mark) },
    messageStatement: { from: sender, to: receiver, outbox, first: index, sentAt: 1000, leaves: bytes(32, mark) },
    receipt: { statement: bytes(200, mark), signature: bytes(64, mark) },
    receiptStatement: { ...statement, from: receiver, to: sender, journal: bytes(16, 9), index, chain: bytes(32, mark) },
    next: outcome === OUTCOME.conflict ? index : index + 1,
    items,
  }
}

async function opened(): Promise<Journal> {
  const journal = await openFolderJournal(folder)
  await journal.head(place)
  return journal
}

/** What the file of an entry holds. */
function stored(index: number): unknown {
  const inside = readdirSync(folder).find((name) => name.includes('.'))!
  return deserialize(readFileSync(join(folder, inside, `${index}`)))
}

const codeOf = (append: Promise<void>): Promise<unknown> =>
  append.then(
    () => 'appended',
    (error: { code: unknown }) => error.code,
  )

test('what was appended is there after it is opened again: head, receipts, id', async () => {
  const journal = await opened()
  await Promise.all([entry(1), entry(2), entry(3, { outcome: OUTCOME.conflict })].map((one) => journal.append(one)))
  const again = await openFolderJournal(folder)
  expect(again.id).toEqual(journal.id)
  expect(await again.head(place)).toEqual(await journal.head(place))
  expect(await again.head(place)).toMatchObject({ index: 3, conflicts: 1, chain: bytes(32, 3), position: { next: 3, offset: 0 } })
  expect(await again.find(place, bytes(32, 2))).toEqual(entry(2).receipt)
  expect(await again.find(place, bytes(32, 8))).toBeUndefined()
  expect(stored(2)).toEqual(entry(2))
  expect(stored(3)).toEqual(entry(3, { outcome: OUTCOME.conflict }))
})

test('of two that append at the same place one is told that it has moved, and then sees why', async () => {
  const journals = await Promise.all([opened(), opened()])
  const outcomes = await Promise.all(journals.map((journal, i) => codeOf(journal.append(entry(1, { mark: 100 + i })))))
  expect(new Set(outcomes)).toEqual(new Set(['PLACE_MOVED', 'appended']))
  const winner = outcomes.indexOf('appended')
  for (const journal of journals) {
    expect(await journal.head(place)).toMatchObject({ index: 1, chain: bytes(32, 100 + winner) })
    expect(await journal.find(place, bytes(32, 100 + winner))).toBeDefined()
  }
})

test('an entry that is read back while it is written counts once', async () => {
  const journal = await opened()
  const appended = journal.append(entry(1, { outcome: OUTCOME.conflict }))
  const heads = (async () => {
    for (let head = await journal.head(place); head.index === 0;) head = await journal.head(place)
  })()
  await Promise.all([appended, heads])
  expect(await journal.head(place)).toMatchObject({ index: 1, conflicts: 1 })
})

test('an append that does not follow the last receipt is refused', async () => {
  const journal = await opened()
  await journal.append(entry(1))
  expect(await codeOf(journal.append(entry(1, { mark: 50 })))).toBe('PLACE_MOVED')
  expect(await codeOf(journal.append(entry(3)))).toBe('PLACE_MOVED')
  expect(await journal.head(place)).toMatchObject({ index: 1, chain: bytes(32, 1) })
})

test('a place that cannot be written fails the append, and all behind it', async () => {
  const journal = await opened()
  await journal.append(entry(1))
  const inside = join(
    folder,
    readdirSync(folder).find((name) => name.includes('.'))!,
  )
  renameSync(inside, `${inside}-aside`)
  writeFileSync(inside, 'a file where a folder should be')
  const codes = await Promise.all([entry(2), entry(3)].map((one) => codeOf(journal.append(one))))
  rmSync(inside)
  renameSync(`${inside}-aside`, inside)
  expect(codes).toEqual(['STORAGE', 'PLACE_MOVED'])
  expect(await journal.head(place)).toMatchObject({ index: 1 })
  expect(readdirSync(inside)).toEqual(['1'])
  await journal.append(entry(2))
})

test('a long item is kept with its entry, and one that is interrupted leaves nothing', async () => {
  const journal = await opened()
  const cut = await journal.spool(place, bytes(32, 1), 8)
  await cut.write([bytes(3, 1)])
  await cut.suspend()
  expect((await journal.head(place)).position.offset).toBe(0)
  const spool = await journal.spool(place, bytes(32, 1), 8)
  expect(spool.offset).toBe(0)
  await spool.write([bytes(3, 1), bytes(5, 2)])
  await journal.append(entry(1, { items: spool }))
  expect(await (await spool.blob()).bytes()).toEqual(Uint8Array.of(1, 1, 1, 2, 2, 2, 2, 2))
  const [item, ...others] = readdirSync(folder).filter((name) => name.startsWith('item-'))
  expect(others).toEqual([])
  expect(stored(1)).toMatchObject({ items: join(folder, item!), next: 2 })
})
