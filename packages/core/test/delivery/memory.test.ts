import { describe, expect, test } from 'vitest'
import type { Journal } from '../../src/delivery/journal.ts'
import { Memory } from '../../src/delivery/memory.ts'
import { PartStream } from '../../src/delivery/part-stream.ts'
import { Receiver } from '../../src/delivery/receiver.ts'
import { envelopeOf, memoryJournal, NOW, place, receiver, sender, settle, wireOf } from './envelopes.ts'

const KIB = 1024

/** An envelope of two messages, whose items have so many bytes together, and some. */
async function wireOfTwo(bytes: number, first = 1): Promise<Uint8Array> {
  return wireOf(await envelopeOf(first, new Uint8Array(bytes / 2), new Uint8Array(bytes / 2)))
}

interface Receiving {
  readonly parts: PartStream
  /** Bytes of an envelope, and perhaps its end. */
  push(bytes: Uint8Array, end: boolean): void
  receipts(): number
  /** The code of the error that ended it, where one has. */
  error(): string | undefined
}

/** One of the sessions of a server. */
async function session(memory: Memory, journal: Journal = memoryJournal()): Promise<Receiving> {
  const parts = new PartStream()
  let receipts = 0
  let error: string | undefined
  const opened = await Receiver.open({
    parts,
    place,
    peer: { keys: [sender.publicKey] },
    identity: receiver,
    ownKeys: [receiver.publicKey],
    journal,
    announced: (await journal.head(place)).position,
    maxItem: 2 ** 53,
    memory,
    now: () => NOW,
    respond: () => (receipts += 1),
    deliver: () => {},
  })
  opened.run().catch((cause: unknown) => (error = (cause as { code: string }).code))
  return {
    parts,
    push: (bytes, end) => parts.push([bytes], end),
    receipts: () => receipts,
    error: () => error,
  }
}

/** A journal that stores nothing until it is told to. */
function slowJournal(): Journal & { goOn(): void } {
  const inner = memoryJournal()
  const { promise, resolve } = Promise.withResolvers<void>()
  return { ...inner, append: (entry) => promise.then(() => inner.append(entry)), goOn: resolve }
}

describe('what all sessions hold together', () => {
  test('has an end: who begins much and finishes nothing is ended, and who sends little is served', async () => {
    const memory = new Memory(1024 * KIB)
    const sessions = await Promise.all([1, 2, 3].map(() => session(memory)))
    const [much, more, little] = sessions as [Receiving, Receiving, Receiving]
    const [long, short] = [await wireOfTwo(2048 * KIB), await wireOfTwo(256 * KIB)]
    much.push(long.subarray(0, 300 * KIB), false)
    more.push(long.subarray(0, 700 * KIB), false)
    await settle()
    expect(sessions.map(({ error }) => error())).toEqual([undefined, undefined, undefined])
    little.push(short, true)
    await settle()
    much.push(long.subarray(300 * KIB, 600 * KIB), false)
    await settle()
    expect(sessions.map(({ error }) => error())).toEqual([undefined, 'STORAGE', undefined])
    expect([little.receipts(), more.parts.buffered]).toEqual([1, 0])
  })

  test('makes whoever goes on wait for what is being stored, and ends nobody for that', async () => {
    const memory = new Memory(1024 * KIB)
    const journal = slowJournal()
    const [stored, waiting] = [await session(memory, journal), await session(memory)]
    stored.push(await wireOfTwo(900 * KIB), true)
    await settle()
    waiting.push(await wireOfTwo(900 * KIB), true)
    await settle()
    expect([stored, waiting].map(({ receipts, error }) => [receipts(), error()])).toEqual([
      [0, undefined],
      [0, undefined],
    ])
    expect(waiting.parts.buffered).toBeGreaterThan(600 * KIB)
    journal.goOn()
    await settle()
    expect([stored, waiting].map(({ receipts, error }) => [receipts(), error()])).toEqual([
      [1, undefined],
      [1, undefined],
    ])
  })

  test('is given back: by answers, and by ends in the middle of an envelope', async () => {
    const memory = new Memory(1024 * KIB)
    const wire = await wireOfTwo(900 * KIB)
    for (let i = 0; i < 4; i++) {
      const cut = await session(memory)
      cut.push(wire.subarray(0, 800 * KIB), false)
      await settle()
      cut.parts.finish()
      await settle()
      const whole = await session(memory)
      whole.push(wire, true)
      await settle()
      expect([cut.error(), whole.receipts()]).toEqual([undefined, 1])
    }
  })
})

test('a session begins no further envelope while 16 MiB of its own wait for their answers', async () => {
  const journal = slowJournal()
  const one = await session(new Memory(), journal)
  const third = await wireOfTwo(9 * 1024 * KIB, 5)
  for (const wire of [await wireOfTwo(9 * 1024 * KIB), await wireOfTwo(9 * 1024 * KIB, 3), third]) one.push(wire, true)
  await settle()
  expect([one.receipts(), one.parts.buffered]).toEqual([0, third.length])
  journal.goOn()
  await settle()
  expect([one.receipts(), one.parts.buffered]).toEqual([3, 0])
})
