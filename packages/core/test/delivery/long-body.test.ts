import { describe, expect, test } from 'vitest'
import { concat, hex } from '../../src/bytes.ts'
import { random, sha256 } from '../../src/crypto/hash.ts'
import { composeItem } from '../../src/delivery/compose.ts'
import type { Journal } from '../../src/delivery/journal.ts'
import { envelopeOf, envelopeOfItems, memoryJournal, place, rawItem, receive, wireOf } from './envelopes.ts'

describe('a long body', () => {
  const body = random(3 * 1024 * 1024)

  async function interrupted(journal: Journal, wire: Uint8Array, length: number): Promise<void> {
    const { receipts, error } = await receive(journal, [wire.subarray(0, length)], { cut: true })
    expect({ receipts, error }).toEqual({ receipts: [], error: undefined })
  }

  test('is resumed where it was, in a later session', async () => {
    const journal = memoryJournal()
    const envelope = await envelopeOf(1, body)
    await interrupted(journal, await wireOf(envelope), 2 * 1024 * 1024)
    const { position } = await journal.head(place)
    expect(position.offset).toBeGreaterThan(1024 * 1024)
    expect(hex(position.digest)).toBe(hex(envelope.digest))
    const { messages, statements } = await receive(journal, [await wireOf(envelope, position.offset)])
    expect(statements[0]!.outcome).toBe(2)
    expect(hex(sha256(await messages[0]!.bytes()))).toBe(hex(sha256(body)))
  })

  test('may begin anew: what was held is dropped', async () => {
    const journal = memoryJournal()
    const envelope = await envelopeOf(1, body)
    await interrupted(journal, await wireOf(envelope), 2 * 1024 * 1024)
    const { messages } = await receive(journal, [await wireOf(envelope)])
    expect(hex(sha256(await messages[0]!.bytes()))).toBe(hex(sha256(body)))
  })

  test('gives way to another envelope at its number', async () => {
    const journal = memoryJournal()
    await interrupted(journal, await wireOf(await envelopeOf(1, body)), 2 * 1024 * 1024)
    const { messages } = await receive(journal, [await wireOf(await envelopeOf(1, 'short'))])
    expect(await messages[0]!.text()).toBe('short')
    expect((await journal.head(place)).position).toMatchObject({ next: 2, offset: 0 })
  })

  test('that no longer matches its leaf is dropped with all that was held of it', async () => {
    const journal = memoryJournal()
    const envelope = await envelopeOf(1, body)
    await interrupted(journal, await wireOf(envelope), 2 * 1024 * 1024)
    const { position } = await journal.head(place)
    const wire = await wireOf(envelope, position.offset)
    wire[wire.length - 1]! ^= 1
    expect((await receive(journal, [wire])).error).toBe('PROTOCOL')
    expect((await journal.head(place)).position).toMatchObject({ next: 1, offset: 0 })
  })

  test('of another length than the first time ends the session, and is dropped', async () => {
    const journal = memoryJournal()
    const envelope = await envelopeOf(1, body)
    await interrupted(journal, await wireOf(envelope), 2 * 1024 * 1024)
    const { position } = await journal.head(place)
    const lying = await wireOf(envelope, position.offset, [envelope.lengths[0]! + 1])
    expect((await receive(journal, [lying])).error).toBe('PROTOCOL')
    expect((await journal.head(place)).position.offset).toBe(0)
  })

  test.each([
    ['shorter than what is held', 1000, true],
    ['that fits in memory, from where it was', 600_000, true],
    ['that fits in memory, from its start', 600_000, false],
  ])('of another length than the first time, %s, ends the session, and is dropped', async (_, length, resumes) => {
    const journal = memoryJournal()
    const envelope = await envelopeOf(1, body)
    await interrupted(journal, await wireOf(envelope), 300_000)
    const { position } = await journal.head(place)
    expect(position.offset).toBeGreaterThanOrEqual(256 * 1024)
    const offset = resumes ? position.offset : 0
    const lying = await wireOf(envelope, offset, [length])
    const end = lying.length - envelope.lengths[0]! + length
    expect((await receive(journal, [lying.subarray(0, end)])).error).toBe('PROTOCOL')
    expect((await journal.head(place)).position.offset).toBe(0)
  })

  test('at an offset that has moved since the handshake ends the session, to be retried', async () => {
    const journal = memoryJournal()
    const envelope = await envelopeOf(1, body)
    await interrupted(journal, await wireOf(envelope), 1024 * 1024 + 500_000)
    const announced = (await journal.head(place)).position
    const more = await wireOf(envelope, announced.offset)
    await receive(journal, [more.subarray(0, 1024 * 1024)], { cut: true })
    expect((await receive(journal, [more], { announced })).error).toBe('PLACE_MOVED')
  })

  test('is refused by its attributes while it comes', async () => {
    const item = await composeItem(body, { contentType: 'evil' })
    const wire = (await wireOf(await envelopeOfItems(1, [item]))).subarray(0, 1024 * 1024)
    const journal = memoryJournal()
    const policy = { item: () => false }
    const { statements, error } = await receive(journal, [wire], { policy })
    expect(error).toBeUndefined()
    expect(statements[0]!.outcome).toBe(3)
    expect((await journal.head(place)).position).toMatchObject({ next: 2, offset: 0 })
  })

  test('of a wrong form is refused only where its leaf holds', async () => {
    const wrong = concat(Uint8Array.of(1), body)
    const journal = memoryJournal()
    const wire = await wireOf(await envelopeOfItems(1, [rawItem(wrong)]))
    const lying = Uint8Array.from(wire)
    lying[lying.length - 1]! ^= 1
    expect(await receive(journal, [lying])).toMatchObject({ error: 'PROTOCOL', receipts: [] })
    expect((await receive(journal, [wire])).statements[0]!.outcome).toBe(3)
  })
})
