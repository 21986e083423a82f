import { describe, expect, test } from 'vitest'
import { hex } from '../../src/bytes.ts'
import { random } from '../../src/crypto/hash.ts'
import { nextChain } from '../../src/delivery/ledger.ts'
import { MemoryOutbox } from '../../src/delivery/memory-outbox.ts'
import { NO_POSITION } from '../../src/delivery/journal.ts'
import type { Outcome } from '../../src/wire/receipt.ts'
import {
  envelopeOf,
  memoryJournal,
  NOW,
  receive,
  receiver,
  sender,
  settle,
  shortForm,
  stranger,
  wireOf,
  withdrawnForm,
} from './envelopes.ts'
import { type Forged, outboxOf, receiptFor, peer, run } from './sending.ts'

describe('the form of an envelope', () => {
  test('is whole where its number is due, short where it is behind, in the order of the numbers', async () => {
    const envelopes = [await envelopeOf(1, 'one'), await envelopeOf(2, 'two', 'three'), await envelopeOf(4, 'four')]
    const { wire, stop } = run(outboxOf(...envelopes), { ...NO_POSITION, next: 4 })
    await settle()
    expect(wire.map(hex)).toEqual([shortForm(envelopes[0]!), shortForm(envelopes[1]!), await wireOf(envelopes[2]!)].map(hex))
    await stop()
  })

  test('is the mark where it is withdrawn, and short where that number is behind', async () => {
    const withdrawn = { ...(await envelopeOf(1, 'one')), withdrawn: true }
    const due = run(outboxOf(withdrawn))
    const behind = run(outboxOf(withdrawn), { ...NO_POSITION, next: 2 })
    await settle()
    expect(due.wire.map(hex)).toEqual([hex(withdrawnForm(withdrawn))])
    expect(behind.wire.map(hex)).toEqual([hex(shortForm(withdrawn))])
    await Promise.all([due.stop(), behind.stop()])
  })

  test.each([
    ['is used where the digest is its own', 0, 40, 40],
    ['may be its very end', 0, 103 + 19, 103 + 19],
    ['is 0 where the digest is of another', 1, 40, 0],
    ['is 0 where it is past the end', 0, 103 + 20, 0],
  ])('the announced offset %s', async (_, flip, offset, expected) => {
    const envelope = await envelopeOf(1, 'x'.repeat(103))
    const digest = Uint8Array.from(envelope.digest)
    digest[0]! ^= flip
    const { wire, stop } = run(outboxOf(envelope), { next: 1, offset, digest })
    await settle()
    expect(wire.map(hex)).toEqual([hex(await wireOf(envelope, expected))])
    await stop()
  })

  test.each([
    ['short', 4097],
    ['withdrawn', 1],
  ])('is cut into records of at most 64 KiB where it is %s, for a statement of 4096 messages is longer', async (form, next) => {
    const many = await envelopeOf(1, ...Array.from({ length: 4096 }, () => ''))
    const envelope = { ...many, withdrawn: form === 'withdrawn' }
    const { wire, lengths, stop } = run(outboxOf(envelope), { ...NO_POSITION, next })
    await settle()
    expect(Math.max(...lengths)).toBeLessThanOrEqual(65_536)
    expect(wire.map(hex)).toEqual([hex(form === 'short' ? shortForm(envelope) : withdrawnForm(envelope))])
    await stop()
  })

  test('is cut into records of at most 64 KiB, and none of them but the last is empty', async () => {
    const envelope = await envelopeOf(1, random(200_000))
    const { wire, lengths, stop } = run(outboxOf(envelope))
    await settle()
    expect(lengths.slice(0, -1).every((length) => length === 65_536)).toBe(true)
    expect(lengths).toHaveLength(4)
    expect(hex(wire[0]!)).toBe(hex(await wireOf(envelope)))
    await stop()
  })
})

describe('a receipt', () => {
  test('settles the envelopes in turn, while it continues the chain', async () => {
    const envelopes = [await envelopeOf(1, 'one'), await envelopeOf(2, 'two')]
    const outbox = outboxOf(...envelopes)
    const { sender: sending, stop } = run(outbox)
    await settle()
    const first = await receiptFor(envelopes[0]!)
    await sending.receipt(first)
    const before = nextChain(
      new Uint8Array(32),
      { index: 1, digest: envelopes[0]!.digest, outcome: 1, receivedAt: NOW },
      envelopes[0]!.message.signature,
    )
    await sending.receipt(await receiptFor(envelopes[1]!, { index: 2, before }))
    expect(outbox.settled).toEqual([1, 2])
    // A value here would hold those of every receipt before it.
    await expect(sending.settled).resolves.toBeUndefined()
    await stop()
  })

  const wrong: Record<string, Forged> = {
    'signed by somebody else': { by: stranger },
    'from somebody else': { from: stranger.publicKey.id, by: stranger },
    'to somebody else': { to: stranger.publicKey.id },
    'of another outbox': { outbox: new Uint8Array(16) },
    'for another first number': { first: 2 },
    'for another count': { count: 2 },
    'for another envelope': { digest: new Uint8Array(32) },
    'with a hole in the chain before it': { index: 2 },
    'that continues another chain': { before: new Uint8Array(32).fill(1) },
    'whose chain is not of its own fields': { chain: new Uint8Array(32) },
    'of an outcome that does not exist': { outcome: 6 as Outcome },
  }
  test.each(Object.keys(wrong))('%s is an error, and settles nothing', async (name) => {
    const envelope = await envelopeOf(1, 'one')
    const outbox = outboxOf(envelope)
    const { sender: sending, stop } = run(outbox)
    await settle()
    const code = name === 'signed by somebody else' ? 'BAD_SIGNATURE' : name.startsWith('of an outcome') ? 'ENCODING' : 'RECEIPT'
    await expect(sending.receipt(await receiptFor(envelope, wrong[name]))).rejects.toMatchObject({ code })
    expect(outbox.settled).toEqual([])
    await stop()
  })

  test('for what was never sent is an error', async () => {
    const { sender: sending, stop } = run(outboxOf())
    await expect(sending.receipt(await receiptFor(await envelopeOf(1, 'one')))).rejects.toMatchObject({ code: 'RECEIPT' })
    await stop()
  })

  test('that comes while its envelope is still being sent ends it with an empty MESSAGE-END', async () => {
    const envelope = await envelopeOf(1, random(1_000_000))
    const gate = Promise.withResolvers<void>()
    const {
      sender: sending,
      lengths,
      stop,
    } = run(outboxOf(envelope), NO_POSITION, (sent) => (sent === 2 ? gate.promise : undefined))
    await settle()
    await sending.receipt(await receiptFor(envelope, { outcome: 3 }))
    gate.resolve()
    await settle()
    expect(lengths).toEqual([65_536, 65_536, 0])
    await stop()
  })
})

describe('an outbox in memory', () => {
  /** A session between an outbox and a journal, over and over until nothing more is to be sent. */
  async function deliver(outbox: MemoryOutbox, options: Parameters<typeof receive>[2] = {}): Promise<void> {
    const place = { sender: sender.publicKey.id, receiver: receiver.publicKey.id, outbox: outbox.id }
    const kept = memoryJournal()
    const position = { ...NO_POSITION }
    const { sender: sending, wire, stop } = run(outbox, position)
    for (let done = 0; ;) {
      await settle()
      if (wire.length === done) break
      const fresh = wire.slice(done)
      done = wire.length
      const { receipts } = await receive(kept, fresh, { ...options, place, announced: position })
      for (const receipt of receipts) await sending.receipt(receipt)
    }
    await stop()
  }

  test('puts like messages that wait at one moment into one envelope', async () => {
    const outbox = new MemoryOutbox(sender, () => NOW)
    const sent = ['a', 'b', 'c'].map((text) => outbox.send(peer, text))
    await deliver(outbox)
    const receipts = await Promise.all(sent)
    expect(receipts.map(({ number, statement, outcome }) => [number, statement.first, statement.count, outcome])).toEqual([
      [1, 1, 3, 'received'],
      [2, 1, 3, 'received'],
      [3, 1, 3, 'received'],
    ])
  })

  test('sends each message of a refused envelope again, alone, at a new number', async () => {
    const outbox = new MemoryOutbox(sender, () => NOW)
    const sent = ['fine', 'evil', 'good'].map((contentType) => outbox.send(peer, 'x', { contentType }))
    const policy = {
      item: ({ attributes }: { readonly attributes: ReadonlyMap<string, string> }) => attributes.get('content-type') !== 'evil',
    }
    const outcomes = Promise.allSettled(sent)
    await deliver(outbox, { policy })
    const [fine, evil, good] = await outcomes
    expect(fine).toMatchObject({ status: 'fulfilled', value: { number: 4 } })
    expect(evil).toMatchObject({
      status: 'rejected',
      reason: { code: 'MESSAGE_REFUSED', cause: { number: 5, outcome: 'refused' } },
    })
    expect(good).toMatchObject({ status: 'fulfilled', value: { number: 6 } })
  })

  test('gives up what has no receipt when its session ends, and says so', async () => {
    const outbox = new MemoryOutbox(sender, () => NOW)
    const sent = outbox.send(peer, 'x')
    outbox.end(peer, new Error('gone'))
    await expect(sent).rejects.toThrow('gone')
    await expect(outbox.send(peer, 'y')).rejects.toThrow('gone')
  })

  test.each([
    ['a control character', { name: 'a\nb' }],
    ['a character that turns the text', { name: 'a\u202eb' }],
    ['a lone surrogate', { name: '\ud800' }],
    ['a name too long', { attributes: { ['n'.repeat(256)]: '' } }],
    ['a value too long', { id: 'v'.repeat(65_536) }],
    ['too much together', { id: 'v'.repeat(40_000), name: 'v'.repeat(40_000) }],
  ])('does not take a message with %s in its attributes', async (_, options) => {
    await expect(new MemoryOutbox(sender, () => NOW).send(peer, 'x', options)).rejects.toMatchObject({ code: 'MESSAGE_FORM' })
  })
})
