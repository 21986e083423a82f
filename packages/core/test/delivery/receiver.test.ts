import { describe, expect, test } from 'vitest'
import { concat, hex } from '../../src/bytes.ts'
import { random } from '../../src/crypto/hash.ts'
import { generatePrivateKey } from '../../src/crypto/keys.ts'
import { identity, pae, verify } from '../../src/crypto/signature.ts'
import { composeItem } from '../../src/delivery/compose.ts'
import type { Journal } from '../../src/delivery/journal.ts'
import { nextChain } from '../../src/delivery/ledger.ts'
import { LocalError } from '../../src/errors.ts'
import { MAX_BATCH } from '../../src/wire/envelope.ts'
import { RECEIPT_TYPE } from '../../src/wire/receipt.ts'
import {
  envelopeOf,
  envelopeOfItems,
  memoryJournal,
  NOW,
  outboxId,
  place,
  rawItem,
  receive,
  receiver,
  resigned,
  sender,
  shortForm,
  stranger,
  wireOf,
  withdrawnForm,
} from './envelopes.ts'

describe('an envelope whose first number is due', () => {
  test('is delivered and answered with a receipt that its receiver signed', async () => {
    const envelope = await envelopeOf(1, 'one', 'two')
    const { messages, receipts, statements, error } = await receive(memoryJournal(), [await wireOf(envelope)])
    expect(error).toBeUndefined()
    expect(await Promise.all(messages.map((message) => message.text()))).toEqual(['one', 'two'])
    expect(messages.map(({ number }) => number)).toEqual([1, 2])
    expect(messages[0]!.sentAt).toEqual(new Date(NOW))
    const [receipt] = receipts
    expect(verify(receiver.publicKey, pae(RECEIPT_TYPE, receipt!.statement), receipt!.signature)).toBe(true)
    expect(statements[0]).toMatchObject({ first: 1, count: 2, outcome: 2, index: 1, receivedAt: NOW + 5 })
    expect(hex(statements[0]!.digest)).toBe(hex(envelope.digest))
    expect(hex(statements[0]!.from)).toBe(hex(receiver.publicKey.id))
    expect(hex(statements[0]!.to)).toBe(hex(sender.publicKey.id))
  })

  test('comes in any pieces', async () => {
    const wire = await wireOf(await envelopeOf(1, 'one', 'two', ''))
    for (const piece of [1, 2, 7, 100]) {
      const { messages, statements } = await receive(memoryJournal(), [wire], { piece })
      expect(messages.map(({ length }) => length)).toEqual([3, 3, 0])
      expect(statements).toHaveLength(1)
    }
  })

  test('says stored, outcome 1, where the journal is durable', async () => {
    const journal: Journal = { ...memoryJournal(), durable: true }
    const { statements } = await receive(journal, [await wireOf(await envelopeOf(1, 'one'))])
    expect(statements[0]!.outcome).toBe(1)
  })

  test('is answered in turn even where signing takes a while, and each receipt continues the chain', async () => {
    const rsa = identity(generatePrivateKey('rsa', 2048))
    const envelopes = await Promise.all([envelopeOf(1, 'a'), envelopeOf(2, 'b', 'c'), envelopeOf(4, 'd')])
    const wires = await Promise.all(envelopes.map((envelope) => wireOf(envelope)))
    let first = true
    const slowAtFirst = async (message: Uint8Array): Promise<Uint8Array> => {
      if (first) {
        first = false
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
      return rsa.sign(message)
    }
    const { statements } = await receive(memoryJournal(), wires, { identity: { ...rsa, sign: slowAtFirst } })
    expect(statements.map((statement) => [statement.first, statement.index])).toEqual([
      [1, 1],
      [2, 2],
      [4, 3],
    ])
    let chain: Uint8Array = new Uint8Array(32)
    for (const [i, statement] of statements.entries()) {
      chain = nextChain(chain, statement, envelopes[i]!.message.signature)
      expect(hex(statement.chain)).toBe(hex(chain))
    }
  })
})

describe('an envelope at numbers that are taken', () => {
  test('gets the same receipt byte for byte in a later session, in the short form', async () => {
    const journal = memoryJournal()
    const envelope = await envelopeOf(1, 'one')
    const before = await receive(journal, [await wireOf(envelope)])
    const after = await receive(journal, [shortForm(envelope), await wireOf(await envelopeOf(2, 'two'))])
    expect(after.receipts[0]).toEqual(before.receipts[0])
    expect(after.messages.map(({ number }) => number)).toEqual([2])
    expect(after.error).toBeUndefined()
  })

  test('is answered from the journal and dropped where it was stored since the handshake', async () => {
    const journal = memoryJournal()
    const announced = (await journal.head(place)).position
    const wire = await wireOf(await envelopeOf(1, 'one'))
    const before = await receive(journal, [wire])
    const after = await receive(journal, [wire], { announced })
    expect(after.receipts).toEqual(before.receipts)
    expect(after.messages).toEqual([])
  })

  test('is a protocol error in the full form where it should be short, and in the short form where it should be full', async () => {
    const journal = memoryJournal()
    const envelope = await envelopeOf(1, 'one')
    await receive(journal, [await wireOf(envelope)])
    expect((await receive(journal, [await wireOf(envelope)])).error).toBe('ENCODING')
    expect((await receive(journal, [shortForm(await envelopeOf(2, 'two'))])).error).toBe('ENCODING')
  })

  test('is a conflict where it is another one, or reaches beyond: answered, chained, changing nothing', async () => {
    const journal = memoryJournal()
    await receive(journal, [await wireOf(await envelopeOf(1, 'one', 'two'))])
    const other = await envelopeOf(1, 'other')
    const beyond = await envelopeOf(2, 'x', 'y')
    const { statements, messages, error, receipts } = await receive(journal, [
      shortForm(other),
      shortForm(beyond),
      shortForm(other),
      await wireOf(await envelopeOf(3, 'three')),
    ])
    expect(error).toBeUndefined()
    expect(statements.map(({ outcome, index, first, count }) => [outcome, index, first, count])).toEqual([
      [4, 2, 1, 1],
      [4, 3, 2, 2],
      [4, 2, 1, 1],
      [2, 4, 3, 1],
    ])
    expect(receipts[2]).toEqual(receipts[0])
    expect(messages.map(({ number }) => number)).toEqual([3])
  })

  test('ends the session after 16 conflicts of one place, whatever the session', async () => {
    const journal = memoryJournal()
    await receive(journal, [await wireOf(await envelopeOf(1, 'one'))])
    for (let i = 0; i < 16; i++) {
      expect((await receive(journal, [shortForm(await envelopeOf(1, `other ${i}`))])).statements[0]!.outcome).toBe(4)
    }
    expect(await receive(journal, [shortForm(await envelopeOf(1, 'once more'))])).toMatchObject({
      error: 'PROTOCOL',
      receipts: [],
    })
  })

  test('is a gap where numbers are missing before it: nothing is stored', async () => {
    const journal = memoryJournal()
    const { error, receipts, messages } = await receive(journal, [await wireOf(await envelopeOf(2, 'two'))])
    expect({ error, receipts, messages }).toEqual({ error: 'GAP', receipts: [], messages: [] })
    expect((await journal.head(place)).position.next).toBe(1)
  })
})

describe('a withdrawn envelope', () => {
  test('consumes its numbers with outcome 5', async () => {
    const journal = memoryJournal()
    const { statements, messages } = await receive(journal, [
      withdrawnForm(await envelopeOf(1, 'one', 'two')),
      await wireOf(await envelopeOf(3, 'three')),
    ])
    expect(statements.map(({ outcome }) => outcome)).toEqual([5, 2])
    expect(messages.map(({ number }) => number)).toEqual([3])
  })

  test('that was stored before gets the receipt of that', async () => {
    const journal = memoryJournal()
    const envelope = await envelopeOf(1, 'one')
    const before = await receive(journal, [await wireOf(envelope)])
    expect((await receive(journal, [shortForm(envelope)])).receipts).toEqual(before.receipts)
  })

  test('may have nothing behind the mark', async () => {
    const wire = concat(withdrawnForm(await envelopeOf(1, 'one')), Uint8Array.of(0))
    expect(await receive(memoryJournal(), [wire])).toMatchObject({ error: 'ENCODING', receipts: [] })
  })
})

describe('an envelope against policy', () => {
  test('is refused by its lengths before its bodies are read, with its numbers consumed', async () => {
    const journal = memoryJournal()
    const wires = [await wireOf(await envelopeOf(1, 'x'.repeat(100))), await wireOf(await envelopeOf(2, 'ok'))]
    const { statements, messages } = await receive(journal, wires, { maxItem: 50 })
    expect(statements.map(({ outcome, first }) => [outcome, first])).toEqual([
      [3, 1],
      [2, 2],
    ])
    expect(messages.map(({ number }) => number)).toEqual([2])
  })

  test('is refused while it is still coming, and what is left of it is dropped', async () => {
    const { leaf } = rawItem(new Uint8Array(1))
    const huge = { leaf, length: 2 ** 40, bytes: new Uint8Array(0) }
    const envelope = await envelopeOfItems(1, [huge])
    const cutShort = concat(await wireOf(envelope), random(10))
    const { statements, error } = await receive(memoryJournal(), [cutShort], { maxItem: 50 })
    expect(statements[0]!.outcome).toBe(3)
    expect(error).toBeUndefined()
  })

  test('is refused by what a policy says of statement and attributes', async () => {
    const asked: unknown[] = []
    const policy = {
      envelope: ({ lengths }: { readonly lengths: readonly number[] }) => (asked.push(lengths.length), lengths.length < 3),
      item: ({ attributes, number }: { readonly attributes: ReadonlyMap<string, string>; readonly number: number }) => {
        asked.push(number)
        return attributes.get('content-type') !== 'evil'
      },
    }
    const evil = await composeItem('x', { contentType: 'evil' })
    const wires = [
      await wireOf(await envelopeOf(1, 'a', 'b', 'c')),
      await wireOf(await envelopeOfItems(4, [await composeItem('y'), evil])),
      await wireOf(await envelopeOf(6, 'fine')),
    ]
    const { statements } = await receive(memoryJournal(), wires, { policy })
    expect(statements.map(({ outcome }) => outcome)).toEqual([3, 3, 2])
    expect(asked).toEqual([3, 2, 4, 5, 1, 6])
  })

  test.each([
    ['a first byte that is not zero', concat(Uint8Array.of(1), new Uint8Array(18))],
    ['an item too short for its head', new Uint8Array(18)],
    ['attributes longer than the item', concat(new Uint8Array(17), Uint8Array.of(0, 9))],
    ['attributes cut short', concat(new Uint8Array(17), Uint8Array.of(0, 2, 5, 65))],
  ])('is refused where an item whose leaf holds has %s', async (_, bytes) => {
    const { statements, error } = await receive(memoryJournal(), [await wireOf(await envelopeOfItems(1, [rawItem(bytes)]))])
    expect(error).toBeUndefined()
    expect(statements[0]!.outcome).toBe(3)
  })
})

describe('a sender that breaks the rules ends the session, and nothing is stored', () => {
  const cases: Record<string, () => Promise<[Uint8Array, string]>> = {
    'a body that is not the leaf': async () => {
      const wire = await wireOf(await envelopeOf(1, 'one'))
      wire[wire.length - 1]! ^= 1
      return [wire, 'PROTOCOL']
    },
    'a signature with one bit changed': async () => {
      const envelope = await envelopeOf(1, 'one')
      const signature = Uint8Array.from(envelope.message.signature)
      signature[5]! ^= 1
      return [await wireOf({ ...envelope, message: { ...envelope.message, signature } }), 'BAD_SIGNATURE']
    },
    'a signature of another length': async () => {
      const envelope = await envelopeOf(1, 'one')
      const signature = new Uint8Array(65)
      return [await wireOf({ ...envelope, message: { ...envelope.message, signature } }), 'BAD_SIGNATURE']
    },
    'a statement by somebody else': async () => {
      return [await wireOf(await resigned(await envelopeOf(1, 'one'), { from: stranger.publicKey.id }, stranger)), 'PROTOCOL']
    },
    'a statement in the name of the peer, signed by somebody else': async () => {
      return [await wireOf(await resigned(await envelopeOf(1, 'one'), {}, stranger)), 'BAD_SIGNATURE']
    },
    'a statement to another receiver': async () => {
      return [await wireOf(await resigned(await envelopeOf(1, 'one'), { to: stranger.publicKey.id })), 'PROTOCOL']
    },
    'a statement of another outbox': async () => {
      return [await wireOf(await resigned(await envelopeOf(1, 'one'), { outbox: new Uint8Array(16) })), 'PROTOCOL']
    },
    'the number 0': async () => [await wireOf(await resigned(await envelopeOf(1, 'one'), { first: 0 })), 'ENCODING'],
    'no message at all': async () => {
      return [await wireOf(await resigned(await envelopeOf(1, 'one'), { leaves: new Uint8Array(0) }), 0, []), 'ENCODING']
    },
    'more than 4096 messages': async () => {
      return [await wireOf(await resigned(await envelopeOf(1, 'one'), { leaves: new Uint8Array(32 * 4097) })), 'ENCODING']
    },
    'numbers past 2^53': async () => [await wireOf(await resigned(await envelopeOf(1, 'one'), { first: 2 ** 53 })), 'ENCODING'],
    'a byte behind the last item': async () => [concat(await wireOf(await envelopeOf(1, 'one')), Uint8Array.of(0)), 'ENCODING'],
    'an end before the last byte': async () => [(await wireOf(await envelopeOf(1, 'one'))).subarray(0, -1), 'ENCODING'],
    'an offset that nobody announced': async () => {
      return [(await wireOf(await envelopeOf(1, 'one'))).with(4 + 132 + 4 + 64 + 7, 1), 'PROTOCOL']
    },
    'lengths that no number holds': async () => {
      return [await wireOf(await envelopeOf(1, 'one', 'two'), 0, [2 ** 53, 1]), 'ENCODING']
    },
    'several messages of more than 16 MiB': async () => {
      return [await wireOf(await envelopeOf(1, 'one', 'two'), 0, [MAX_BATCH, 1]), 'PROTOCOL']
    },
  }
  test.each(Object.keys(cases))('%s', async (name) => {
    const [wire, code] = await cases[name]!()
    const journal = memoryJournal()
    const honest = await wireOf(await envelopeOf(1, 'honest'))
    expect(await receive(journal, [wire])).toMatchObject({ error: code, receipts: [], messages: [] })
    expect((await receive(journal, [honest])).statements[0]).toMatchObject({ first: 1, outcome: 2, index: 1 })
  })

  test('what was stored before the fault is still receipted', async () => {
    const bad = await wireOf(await envelopeOf(2, 'two'))
    bad[bad.length - 1]! ^= 1
    const { statements, error } = await receive(memoryJournal(), [await wireOf(await envelopeOf(1, 'one')), bad])
    expect(statements.map(({ first }) => first)).toEqual([1])
    expect(error).toBe('PROTOCOL')
  })
})

describe('a journal that cannot store', () => {
  test('ends the session without a receipt for what is not stored, nor for what came behind it', async () => {
    const journal = memoryJournal()
    let appended = 0
    const failing: Journal = {
      ...journal,
      append: (entry) => (++appended === 2 ? Promise.reject(new LocalError('STORAGE', 'disk full')) : journal.append(entry)),
    }
    const wires = [await envelopeOf(1, 'a'), await envelopeOf(2, 'b'), await envelopeOf(3, 'c')].map((envelope) =>
      wireOf(envelope),
    )
    const { statements, messages, error } = await receive(failing, await Promise.all(wires))
    expect(statements.map(({ first }) => first)).toEqual([1])
    expect(messages.map(({ number }) => number)).toEqual([1])
    expect(error).toBe('STORAGE')
  })

  test('refuses a second copy where another process has moved on', async () => {
    const journal = memoryJournal()
    const announced = (await journal.head(place)).position
    const stale = { ...(await journal.head(place)) }
    await receive(journal, [await wireOf(await envelopeOf(1, 'elsewhere'))])
    const paused: Journal = { ...journal, head: () => Promise.resolve(stale) }
    const { receipts, error } = await receive(paused, [await wireOf(await envelopeOf(1, 'here'))], { announced })
    expect({ receipts, error }).toEqual({ receipts: [], error: 'PLACE_MOVED' })
  })
})

test('keys of a chain count as one side: a statement from and to earlier keys is taken', async () => {
  const newer = identity(generatePrivateKey())
  const wire = await wireOf(await envelopeOf(1, 'one'))
  const chain = {
    peer: { keys: [sender.publicKey, stranger.publicKey] },
    ownKeys: [receiver.publicKey, newer.publicKey],
    identity: newer,
  }
  const { statements } = await receive(memoryJournal(), [wire], chain)
  expect(hex(statements[0]!.from)).toBe(hex(newer.publicKey.id))
  expect(hex(statements[0]!.outbox)).toBe(hex(outboxId))
})
