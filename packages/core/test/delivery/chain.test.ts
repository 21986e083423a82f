import { describe, expect, test } from 'vitest'
import { nextChain } from '../../src/delivery/ledger.ts'
import { envelopeOf, NOW, settle } from './envelopes.ts'
import { outboxOf, receiptFor, run } from './sending.ts'

describe('a receipt, where some before it may be missing,', () => {
  const elsewhere = new Uint8Array(32).fill(7)
  /** Two envelopes of an outbox that holds the second receipt of this journal. */
  async function resumed(incomplete: true | 'perhaps' | false) {
    const envelopes = [await envelopeOf(1, 'one'), await envelopeOf(2, 'two')] as const
    const head = { index: 2, chain: new Uint8Array(32).fill(2), ...(incomplete && { incomplete }) }
    const outbox = { ...outboxOf(...envelopes), chainHead: () => Promise.resolve(head) }
    const { sender: sending, stop } = run(outbox)
    await settle()
    return { envelopes, head, sending, settled: outbox.settled, stop }
  }

  test.each([
    ['the outbox knows that', true, 1],
    ['the first shows it, by a conflict', 'perhaps', 4],
  ] as const)('may leap, as %s, and from there on the chain is held to again', async (_, incomplete, outcome) => {
    const { envelopes, sending, settled, stop } = await resumed(incomplete)
    const leap = { index: 5, before: elsewhere, outcome }
    await sending.receipt(await receiptFor(envelopes[0], leap))
    const { digest, message } = envelopes[0]
    const before = nextChain(elsewhere, { index: 5, digest, outcome, receivedAt: NOW }, message.signature)
    await sending.receipt(await receiptFor(envelopes[1], { index: 6, before }))
    expect(settled).toEqual([1, 2])
    await stop()
  })

  test.each([
    ['goes back', true, { index: 2, before: elsewhere, outcome: 1 }],
    ['goes back by a conflict', 'perhaps', { index: 1, before: elsewhere, outcome: 4 }],
    ['is the next one and continues another chain', true, { index: 3, before: elsewhere, outcome: 1 }],
    ['is the next one, a conflict, and continues another chain', 'perhaps', { index: 3, before: elsewhere, outcome: 4 }],
    ['leaps where nothing tells that', 'perhaps', { index: 5, before: elsewhere, outcome: 1 }],
    ['leaps by a conflict, to an outbox that lacks nothing', false, { index: 5, before: elsewhere, outcome: 4 }],
  ] as const)('is an error where it %s', async (_, incomplete, forged) => {
    const { envelopes, sending, settled, stop } = await resumed(incomplete)
    await expect(sending.receipt(await receiptFor(envelopes[0], forged))).rejects.toMatchObject({ code: 'RECEIPT' })
    expect(settled).toEqual([])
    await stop()
  })

  test.each([
    ['continues another chain', { index: 6, before: elsewhere }],
    ['leaps again', { index: 9, before: elsewhere }],
  ])('is an error where the one behind a leap %s', async (_, forged) => {
    const { envelopes, sending, settled, stop } = await resumed(true)
    await sending.receipt(await receiptFor(envelopes[0], { index: 5, before: elsewhere }))
    await expect(sending.receipt(await receiptFor(envelopes[1], forged))).rejects.toMatchObject({ code: 'RECEIPT' })
    expect(settled).toEqual([1])
    await stop()
  })
})

describe('a receipt of an envelope that another session has settled meanwhile', () => {
  /** The chain that is held goes on past the first envelope's receipt, which comes again. */
  async function again(held: boolean) {
    const [first, second] = [await envelopeOf(1, 'one'), await envelopeOf(2, 'two')] as const
    const link = (index: number, { digest }: typeof first) => ({ index, digest, outcome: 1 as const, receivedAt: NOW })
    const one = nextChain(new Uint8Array(32), link(1, first), first.message.signature)
    const asked: number[] = []
    const outbox = {
      ...outboxOf(first, second),
      chainHead: () => Promise.resolve({ index: 1, chain: one }),
      holds: (_: unknown, { first: number }: typeof first) => (asked.push(number), Promise.resolve(held)),
    }
    const { sender: sending, stop } = run(outbox)
    await settle()
    return {
      sending,
      stop,
      asked,
      outbox,
      receipts: [await receiptFor(first), await receiptFor(second, { index: 2, before: one })],
    }
  }

  test('is taken where it is the one that is held, and the chain goes on from where it stands', async () => {
    const { sending, stop, asked, outbox, receipts } = await again(true)
    for (const receipt of receipts) await sending.receipt(receipt)
    expect([outbox.settled, asked]).toEqual([[1, 2], [1]])
    await stop()
  })

  test('is an error where it is another one', async () => {
    const { sending, stop, outbox, receipts } = await again(false)
    await expect(sending.receipt(receipts[0]!)).rejects.toMatchObject({ code: 'RECEIPT' })
    expect(outbox.settled).toEqual([])
    await stop()
  })
})
