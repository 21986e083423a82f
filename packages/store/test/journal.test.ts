import { type Entry, type Journal, type Place } from '@countersign/core'
import {
  composeEnvelope,
  composeItem,
  concat,
  decode,
  encode,
  hex,
  messageStatement,
  nextChain,
  OUTCOME,
  type OutgoingItem,
  pae,
  random,
  RECEIPT_TYPE,
  receiptStatement,
} from '@countersign/core/protocol'
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openJournal, type StoredJournal } from '../src/index.ts'
import { alice, all, bob, faultsOf, folder, textsOf } from './parties.ts'

const place: Place = { sender: alice.publicKey.id, receiver: bob.publicKey.id, outbox: random(16) }

/** The next entry of the place, for these texts. */
async function entryOf(journal: Journal, ...texts: readonly string[]): Promise<Entry> {
  const items = texts.map((text) => composeItem(text) as OutgoingItem)
  const { position, index, chain } = await journal.head(place)
  const numbers = { to: bob.publicKey.id, outbox: place.outbox, first: position.next, sentAt: 1_700_000_000_000 }
  const { message, digest, first, count } = await composeEnvelope(alice, numbers, items)
  const link = { index: index + 1, digest, outcome: OUTCOME.stored, receivedAt: 1_700_000_000_001 }
  const fields = {
    ...link,
    from: bob.publicKey.id,
    to: alice.publicKey.id,
    outbox: place.outbox,
    first,
    count,
    journal: journal.id,
    chain: nextChain(chain, link, message.signature),
  }
  const statement = encode(receiptStatement, fields)
  return {
    place,
    message,
    messageStatement: decode(messageStatement, message.statement),
    receipt: { statement, signature: await bob.sign(pae(RECEIPT_TYPE, statement)) },
    receiptStatement: fields,
    next: first + count,
    items: items.map(({ bytes }) => bytes as Uint8Array),
  }
}

async function code(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    return (error as { code?: string }).code
  }
}

describe('an entry', () => {
  test('is there with its messages when the journal is opened again, and its receipt is found byte for byte', async () => {
    const file = folder()('journal')
    let journal = await openJournal(file)
    const entry = await entryOf(journal, 'one', 'two')
    await journal.append(entry)
    const { id } = journal
    await journal.close()
    journal = await openJournal(file)
    expect(hex(journal.id)).toBe(hex(id))
    expect(await textsOf(journal)).toEqual(['one', 'two'])
    expect(await journal.find(place, entry.receiptStatement.digest)).toEqual({
      statement: new Uint8Array(entry.receipt.statement),
      signature: new Uint8Array(entry.receipt.signature),
    })
    expect(await journal.head(place)).toMatchObject({ position: { next: 3, offset: 0 }, index: 1, conflicts: 0 })
    expect(await faultsOf(journal)).toEqual([])
    await journal.close()
  })

  test('is refused where its place has moved on, also by another process, and nothing of it is kept', async () => {
    const file = folder()('journal')
    const [journal, other] = [await openJournal(file), await openJournal(file)]
    const late = await entryOf(journal, 'late')
    await other.append(await entryOf(other, 'first'))
    expect(await code(journal.append(late))).toBe('PLACE_MOVED')
    expect(await textsOf(journal)).toEqual(['first'])
    await journal.append(await entryOf(journal, 'second'))
    expect(await textsOf(other)).toEqual(['first', 'second'])
    await Promise.all([journal.close(), other.close()])
  })

  test('of several that are appended in order is carried out in order', async () => {
    const journal = await openJournal(folder()('journal'))
    const [one, again] = [await entryOf(journal, 'one'), await entryOf(journal, 'one too')]
    const settled = await Promise.allSettled([journal.append(one), journal.append(again)])
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    await journal.close()
  })

  test('cannot be had from a journal that is closed', async () => {
    const journal = await openJournal(folder()('journal'))
    const entry = await entryOf(journal, 'one')
    await journal.close()
    expect(await code(journal.append(entry))).toBe('STORAGE')
  })
})

describe('a long item', () => {
  const [digest, other] = [random(32), random(32)]

  test('that was interrupted is announced, and goes on where it was', async () => {
    const file = folder()('journal')
    let journal = await openJournal(file)
    const spool = await journal.spool(place, digest, 10)
    await spool.write([Buffer.from('ab'), Buffer.from('cde')])
    await spool.suspend()
    await journal.close()
    journal = await openJournal(file)
    expect(await journal.head(place)).toMatchObject({ position: { next: 1, offset: 5, digest: new Uint8Array(digest) } })
    const resumed = await journal.spool(place, digest, 999)
    expect([resumed.offset, resumed.length]).toEqual([5, 10])
    expect(String(Buffer.from(concat(...(await all(resumed.read())))))).toBe('abcde')
    await journal.close()
  })

  test('can be written to by whoever resumed it last, and by nobody else', async () => {
    const file = folder()('journal')
    const [journal, second] = [await openJournal(file), await openJournal(file)]
    const late = await journal.spool(place, digest, 10)
    await late.write([Buffer.from('abc')])
    const spool = await second.spool(place, digest, 10)
    await spool.write([Buffer.from('def')])
    expect(await code(late.write([Buffer.from('XXX')]))).toBe('PLACE_MOVED')
    await late.discard()
    expect((await second.head(place)).position.offset).toBe(6)
    await Promise.all([journal.close(), second.close()])
  })

  test('is forgotten, with its file, where another envelope comes at its place', async () => {
    const path = folder()
    const journal = await openJournal(path('journal'))
    await (await journal.spool(place, digest, 10)).write([Buffer.from('abc')])
    expect((await journal.spool(place, other, 10)).offset).toBe(0)
    expect(readdirSync(path('journal-items'))).toHaveLength(1)
    await journal.dropPartial(place)
    expect(readdirSync(path('journal-items'))).toHaveLength(0)
    expect((await journal.head(place)).position.offset).toBe(0)
    await journal.close()
  })

  test('and files that belong to nothing are gone after a time, when the journal is opened', async () => {
    const path = folder()
    let journal = await openJournal(path('journal'))
    const spool = await journal.spool(place, digest, 10)
    await spool.write([Buffer.from('abc')])
    await spool.suspend()
    await journal.close()
    writeFileSync(path('journal-items', 'orphan.item'), 'x')
    journal = await openJournal(path('journal'))
    expect(existsSync(path('journal-items', 'orphan.item'))).toBe(false)
    expect((await journal.head(place)).position.offset).toBe(3)
    await journal.close()
    const [file] = readdirSync(path('journal-items'))
    utimesSync(path('journal-items', file!), new Date(0), new Date(0))
    journal = await openJournal(path('journal'))
    expect((await journal.head(place)).position.offset).toBe(0)
    expect(readdirSync(path('journal-items'))).toEqual([])
    await journal.close()
  })
})

describe('readers', () => {
  async function journalOf(file: string, ...envelopes: readonly (readonly string[])[]): Promise<StoredJournal> {
    const journal = await openJournal(file)
    for (const texts of envelopes) await journal.append(await entryOf(journal, ...texts))
    return journal
  }

  test('begin anywhere, also inside an envelope', async () => {
    const journal = await journalOf(folder()('journal'), ['1', '2', '3'], ['4'], ['5', '6'])
    const serials = async (after: number): Promise<number[]> => {
      return (await all(journal.messages({ after }))).map(({ serial }) => serial)
    }
    expect(await serials(0)).toEqual([1, 2, 3, 4, 5, 6])
    expect(await serials(2)).toEqual([3, 4, 5, 6])
    expect(await serials(5)).toEqual([6])
    expect(await serials(6)).toEqual([])
    expect(await (await (await journal.message(5))!.content())!.text()).toBe('5')
    expect(await journal.message(7)).toBeUndefined()
    expect(await journal.message(0)).toBeUndefined()
    expect(await journal.size()).toEqual({ entries: 3, messages: 6 })
    await journal.close()
  })

  test('that follow see what comes later, also from another process, until they are ended', async () => {
    const file = folder()('journal')
    const journal = await journalOf(file, ['1'])
    const writer = await openJournal(file)
    const stop = new AbortController()
    const seen: string[] = []
    for await (const message of journal.messages({ follow: true, signal: stop.signal })) {
      seen.push(await (await message.content())!.text())
      if (seen.length === 1) await journal.append(await entryOf(journal, '2'))
      if (seen.length === 2) await writer.append(await entryOf(writer, '3'))
      if (seen.length === 3) stop.abort()
    }
    expect(seen).toEqual(['1', '2', '3'])
    await Promise.all([journal.close(), writer.close()])
  })

  test('know what a sender takes up', async () => {
    const journal = await journalOf(folder()('journal'), ['12345'])
    const held = (await journal.usage(alice.publicKey.id)).bytes
    expect(held).toBe(19 + 5)
    const second = { ...place, outbox: random(16) }
    await journal.spool(second, random(32), 1000)
    expect(await journal.usage(alice.publicKey.id)).toEqual({ places: 2, partials: 1, bytes: held + 1000 })
    // Beside a place: what resumes its partial is not counted twice, and what had its place keeps it.
    const beside = (outbox: Uint8Array): Promise<object> => journal.usage(alice.publicKey.id, outbox)
    expect(await beside(place.outbox)).toEqual({ places: 0, partials: 1, bytes: held + 1000 })
    expect(await beside(second.outbox)).toEqual({ places: 1, partials: 0, bytes: held })
    expect(await beside(random(16))).toEqual({ places: 2, partials: 1, bytes: held + 1000 })
    expect(await journal.usage(bob.publicKey.id)).toEqual({ places: 0, partials: 0, bytes: 0 })
    await journal.close()
  })
})

describe('pruning', () => {
  test('drops the oldest bodies, and nothing of what proves them', async () => {
    const journal = await openJournal(folder()('journal'))
    for (const text of ['a'.repeat(100), 'b'.repeat(100), 'c'.repeat(100)]) await journal.append(await entryOf(journal, text))
    expect(await journal.prune({ mostBytes: 250 })).toEqual({ messages: 1, bytes: 119 })
    const [first, second] = await all(journal.messages())
    expect([first!.item, await first!.content()]).toEqual([undefined, undefined])
    expect((await second!.content())!.length).toBe(100)
    expect(first!.entry.receipt.signature).toHaveLength(64)
    expect(await faultsOf(journal)).toEqual([])
    expect(await journal.prune({ before: new Date(1_700_000_000_001) })).toEqual({ messages: 0, bytes: 0 })
    expect(await journal.prune({ before: new Date(1_700_000_000_002) })).toEqual({ messages: 2, bytes: 238 })
    await journal.close()
  })
})
