/** How far the memory of a journal in memory reaches. */
import { expect, test } from 'vitest'
import { type Entry, memoryJournal, type Place } from '../../src/index.ts'
import { OUTCOME } from '../../src/protocol.ts'

const KEPT = 3
const placeAt = (outbox: number): Place => ({
  sender: new Uint8Array(32).fill(1),
  receiver: new Uint8Array(32).fill(2),
  outbox: new Uint8Array(16).fill(outbox),
})
const digestAt = (index: number): Uint8Array => new Uint8Array(32).fill(index)

/** The entry of this index, of one message, with a receipt that shows whose it is. */
function entryAt(place: Place, index: number): Entry {
  const [digest, chain] = [digestAt(index), new Uint8Array(32)]
  const receipt = { statement: Uint8Array.of(index), signature: new Uint8Array(0) }
  const receiptStatement = { index, chain, digest, outcome: OUTCOME.received } as Entry['receiptStatement']
  return { place, receipt, receiptStatement, next: index + 1, items: [] } as unknown as Entry
}

test('the newest receipts are given again; of an older one it says that its memory does not reach so far', async () => {
  const journal = memoryJournal({ keep: KEPT })
  const [place, other] = [placeAt(3), placeAt(4)]
  for (let index = 1; index <= KEPT; index++) await journal.append(entryAt(place, index))
  // Nothing is missing yet: what it does not know has not come.
  expect(await journal.find(place, digestAt(99))).toBeUndefined()
  for (let index = KEPT + 1; index <= 10; index++) {
    await journal.append(entryAt(place, index))
    // The same place by another object, as another session has it.
    for (let newest = index; newest > index - KEPT; newest--) {
      expect((await journal.find({ ...place }, digestAt(newest)))!.statement).toEqual(Uint8Array.of(newest))
    }
    await expect(journal.find(place, digestAt(index - KEPT))).rejects.toMatchObject({ code: 'STORAGE' })
  }
  await journal.append(entryAt(other, 1))
  expect(await journal.find(other, digestAt(2))).toBeUndefined()
  expect(await journal.head(place)).toMatchObject({ index: 10, position: { next: 11 } })
})

test('what is held of a long item is read from any place on, in whatever pieces it came', async () => {
  const bytes = new Uint8Array(20_000).map((_, i) => i % 251)
  for (const sizes of [[1], [7, 300, 5000], [2048], [4096, 1], [20_000]]) {
    const spool = await memoryJournal().spool(placeAt(3), digestAt(1), bytes.length)
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = sizes[i % sizes.length]!
      // Of its own, as what a record was opened into is; or a view of what is used again at once.
      const lent = new Uint8Array([...bytes.subarray(at, at + size), 0])
      const own = i % 2 === 0
      await spool.write([own ? bytes.slice(at, at + size) : lent.subarray(0, -1)])
      if (!own) lent.fill(0xff)
      at += size
      expect(spool.offset).toBe(Math.min(at, bytes.length))
    }
    const blob = await spool.blob()
    for (const start of [0, 1, 299, 2048, 4097, 19_999, 20_000]) {
      const rest = blob.slice(start)
      expect(rest.size).toBe(bytes.length - start)
      const streamed: Uint8Array[] = []
      for await (const piece of rest.stream()) streamed.push(piece)
      const wanted = Buffer.from(bytes.subarray(start))
      expect(wanted.equals(await rest.bytes())).toBe(true)
      expect(wanted.equals(Buffer.concat(streamed))).toBe(true)
    }
  }
})

test('a long item that came in very many pieces is read as one', async () => {
  const piece = new Uint8Array(1025).fill(7)
  const count = 200_000
  const spool = await memoryJournal().spool(placeAt(3), digestAt(1), count * piece.length)
  for (let i = 0; i < count; i += 1000) await spool.write(Array.from({ length: 1000 }, () => piece))
  const bytes = await (await spool.blob()).slice(1).bytes()
  expect(bytes.length).toBe(count * piece.length - 1)
  expect(bytes.every((byte) => byte === 7)).toBe(true)
})

test('of two who hold the same long item only the one that asked last goes on with it', async () => {
  const journal = memoryJournal()
  const place = placeAt(3)
  const older = await journal.spool(place, digestAt(1), 4)
  await older.write([Uint8Array.of(1, 2)])
  const newer = await journal.spool({ ...place }, digestAt(1), 4)
  await expect(older.write([Uint8Array.of(9)])).rejects.toMatchObject({ code: 'PLACE_MOVED' })
  await older.discard()
  await expect(older.blob()).rejects.toMatchObject({ code: 'PLACE_MOVED' })
  expect((await journal.head(place)).position).toMatchObject({ offset: 2, digest: digestAt(1) })
  await newer.write([Uint8Array.of(3, 4)])
  expect(await (await newer.blob()).bytes()).toEqual(Uint8Array.of(1, 2, 3, 4))
})

test('a long item that another one has replaced takes nothing of it along when it is dropped', async () => {
  const journal = memoryJournal()
  const place = placeAt(3)
  const before = await journal.spool(place, digestAt(1), 4)
  const now = await journal.spool(place, digestAt(2), 4)
  await now.write([Uint8Array.of(1)])
  await before.discard()
  expect((await journal.head(place)).position).toMatchObject({ offset: 1, digest: digestAt(2) })
})
