import {
  composeEnvelope,
  composeItem,
  concat,
  encode,
  type OutgoingEnvelope,
  type OutgoingItem,
  random,
  sha256,
  u64,
} from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import { itemsOf, shortForm, wireOf } from '../harness/envelopes.ts'
import type { Ground, Session } from '../harness/ground.ts'
import { pause } from '../harness/process.ts'

const LONG = 3 * 1024 * 1024
const TOP = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)

function raw(bytes: Uint8Array): OutgoingItem {
  return { leaf: sha256(bytes), length: bytes.length, bytes }
}

async function envelope(ground: Ground, { outbox }: Session, items: readonly OutgoingItem[]): Promise<OutgoingEnvelope> {
  return composeEnvelope(ground.mallory, { to: ground.publicKey.id, outbox, first: 1, sentAt: Date.now() }, items)
}

/** What stands behind the signature, as these u64. */
function numbers(made: OutgoingEnvelope, ...values: readonly (number | Uint8Array)[]): Uint8Array {
  return concat(shortForm(made), ...values.map((value) => (typeof value === 'number' ? encode(u64, value) : value)))
}

type Lie = (ground: Ground, session: Session) => Promise<Uint8Array>

const short: Lie = async (ground, session) => wireOf(await envelope(ground, session, [await composeItem('short')]))
const pair = async (): Promise<OutgoingItem[]> => [await composeItem('one'), await composeItem('two')]

const lies: readonly (readonly [what: string, must: string, lie: Lie])[] = [
  ['an item longer than its length', 'CLOSE 4', async (g, s) => concat(await short(g, s), Uint8Array.of(0))],
  ['an item shorter than its length', 'CLOSE 4', async (g, s) => (await short(g, s)).subarray(0, -1)],
  [
    'a length one less',
    'CLOSE 4',
    async (g, s) => {
      const made = await envelope(g, s, [await composeItem('short')])
      return wireOf(made, { lengths: [made.lengths[0]! - 1], items: (await itemsOf(made)).subarray(0, -1) })
    },
  ],
  ['a length of 2^64 - 1', 'CLOSE 4', async (g, s) => numbers(await envelope(g, s, await pair()), 0, TOP, 0)],
  ['lengths of 2^53 together', 'CLOSE 4', async (g, s) => numbers(await envelope(g, s, await pair()), 0, 2 ** 52, 2 ** 52)],
  [
    'several messages of more than 16 MiB',
    'CLOSE 4',
    async (g, s) => numbers(await envelope(g, s, await pair()), 0, 16 * 1024 * 1024, 1),
  ],
  [
    'two lengths exchanged',
    'CLOSE 4',
    async (g, s) => {
      const made = await envelope(g, s, [await composeItem('1'), await composeItem('two')])
      return wireOf(made, { lengths: made.lengths.toReversed() })
    },
  ],
  [
    'two items exchanged',
    'CLOSE 4',
    async (g, s) => {
      const made = await envelope(g, s, await pair())
      const items = await itemsOf(made)
      return wireOf(made, { items: concat(items.subarray(made.lengths[0]), items.subarray(0, made.lengths[0])) })
    },
  ],
  [
    'one item twice',
    'CLOSE 4',
    async (g, s) => {
      const made = await envelope(g, s, await pair())
      const items = (await itemsOf(made)).subarray(0, made.lengths[0])
      return wireOf(made, { items: concat(items, items) })
    },
  ],
  [
    'an item with one bit changed',
    'CLOSE 4',
    async (g, s) => {
      const made = await envelope(g, s, [await composeItem('short')])
      const items = await itemsOf(made)
      items[items.length - 1]! ^= 1
      return wireOf(made, { items })
    },
  ],
  [
    'a long item with one bit changed',
    'CLOSE 4',
    async (g, s) => {
      const made = await envelope(g, s, [await composeItem(random(LONG))])
      const items = await itemsOf(made)
      items[LONG - 1]! ^= 1
      return wireOf(made, { items })
    },
  ],
  [
    'a long item cut short',
    'CLOSE 4',
    async (g, s) => (await wireOf(await envelope(g, s, [await composeItem(random(LONG))]))).subarray(0, -1),
  ],
  [
    'an offset that nobody announced',
    'CLOSE 4',
    async (g, s) => wireOf(await envelope(g, s, [await composeItem('short')]), { offset: 1 }),
  ],
  [
    'an offset behind the end',
    'CLOSE 4',
    async (g, s) => wireOf(await envelope(g, s, [await composeItem('short')]), { offset: 2 ** 52 }),
  ],
  ['an offset of 2^64 - 2', 'CLOSE 4', async (g, s) => numbers(await envelope(g, s, await pair()), TOP.with(7, 0xfe), 1, 1)],
  [
    'a withdrawal with something behind it',
    'CLOSE 4',
    async (g, s) => concat(numbers(await envelope(g, s, await pair()), TOP), Uint8Array.of(0)),
  ],
  ['the short form of what was never sent', 'CLOSE 4', async (g, s) => shortForm(await envelope(g, s, await pair()))],
  ['no offset at all', 'CLOSE 4', async (g, s) => numbers(await envelope(g, s, await pair()))],
  ['an empty envelope', 'CLOSE 4', async () => new Uint8Array(0)],
  ['an item of no bytes', 'outcome 3', async (g, s) => wireOf(await envelope(g, s, [raw(new Uint8Array(0))]))],
  ['an item of another mark', 'outcome 3', async (g, s) => wireOf(await envelope(g, s, [raw(Uint8Array.of(1, ...random(30)))]))],
  [
    'attributes longer than the item',
    'outcome 3',
    async (g, s) => wireOf(await envelope(g, s, [raw(concat(new Uint8Array(17), Uint8Array.of(0xff, 0xff)))])),
  ],
  [
    'attributes in the wrong order',
    'outcome 3',
    async (g, s) => {
      const attributes = Buffer.from('\x01b\x00\x00\x01a\x00\x00', 'latin1')
      return wireOf(await envelope(g, s, [raw(concat(new Uint8Array(17), Uint8Array.of(0, attributes.length), attributes))]))
    },
  ],
  [
    'an attribute with an escape sequence',
    'outcome 3',
    async (g, s) => {
      const attributes = Buffer.from('\x04name\x00\x04\x1b[2J', 'latin1')
      return wireOf(await envelope(g, s, [raw(concat(new Uint8Array(17), Uint8Array.of(0, attributes.length), attributes))]))
    },
  ],
  [
    'a long item of another mark',
    'outcome 3',
    async (g, s) => wireOf(await envelope(g, s, [raw(concat(Uint8Array.of(1), random(LONG)))])),
  ],
]

/** The outcome of the receipt that comes, or how the session ends instead. */
async function outcome({ session }: Session): Promise<string> {
  const receipt = await session.receipt()
  return receipt === undefined ? 'none' : `outcome ${receipt.statement[124]}`
}

/** Leaves half of a long item at the server; what it is told in the next session. */
async function resume(ground: Ground, lie: (made: OutgoingEnvelope, offset: number) => Promise<Uint8Array>): Promise<string> {
  const first = await ground.begin()
  const made = await envelope(ground, first, [await composeItem(random(LONG))])
  const bytes = await wireOf(made)
  for (let at = 0; at < LONG / 2; at += 65_536) first.session.send('MESSAGE', bytes.subarray(at, at + 65_536))
  first.session.close()
  await first.session.fate()
  // What is held counts once it would survive a power loss, which takes a moment.
  let second = await ground.enter({ outbox: first.outbox })
  for (let before = -1; second.position.offset === 0 || second.position.offset !== before;) {
    before = second.position.offset
    await pause(300)
    second.session.line.destroy()
    second = await ground.enter({ outbox: first.outbox })
  }
  const { offset } = second.position
  second.session.send('PING', random(8))
  second.session.envelope(await lie(made, offset))
  const said = await outcome(second)
  second.session.line.destroy()
  return said
}

export const attack: Attack = {
  title: 'An enrolled client lies about lengths, offsets and items',
  tries:
    'lengths, offsets, items and attributes that do not fit what is signed, of short and long items, and of those that are resumed: nothing of them may be delivered.',
  plainDesignLoses:
    'memory, at the word of whoever names a length; and whole files, where a resumed upload is joined without a hash over all of it.',
  alone: true,
  async run(ground) {
    const cases = new Cases()
    const strange = (): number => ground.printed().filter(({ text }) => text !== 'still here').length
    const before = strange()
    for (const [what, must, lie] of lies) {
      const entered = await ground.begin()
      const { session } = entered
      session.envelope(await lie(ground, entered))
      const ended = must.startsWith('outcome') ? await outcome(entered) : await session.fate()
      session.line.destroy()
      cases.attempt(what, ended, must)
    }
    cases.attempt(
      'an offset other than the announced one',
      await resume(ground, async (made, offset) =>
        wireOf(made, { offset: offset - 1, items: (await itemsOf(made)).subarray(offset - 1) }),
      ),
      'none',
    )
    cases.attempt(
      'another length than the first time',
      await resume(ground, async (made, offset) =>
        wireOf(made, { offset, lengths: [LONG + 20], items: (await itemsOf(made)).subarray(offset) }),
      ),
      'none',
    )
    cases.attempt(
      'other bytes behind the offset',
      await resume(ground, async (made, offset) => wireOf(made, { offset, items: random(made.lengths[0]! - offset) })),
      'none',
    )
    cases.attempt('delivered of all this', String(strange() - before), '0')
    cases.control(
      'the same long item, resumed as it should be, is stored',
      await resume(ground, async (made, offset) => wireOf(made, { offset, items: (await itemsOf(made)).subarray(offset) })),
      await storedOutcome(ground),
    )
    return cases
  },
}

/** What this server's receipts say of what it has stored: outcome 1, or 2 where its journal is in memory. */
async function storedOutcome(ground: Ground): Promise<string> {
  const entered = await ground.begin()
  entered.session.envelope(await short(ground, entered))
  const said = await outcome(entered)
  entered.session.close()
  return said === 'outcome 1' || said === 'outcome 2' ? said : `stored, not ${said}`
}
