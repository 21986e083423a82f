import { connect, CountersignError } from '@countersign/core'
import {
  CHAIN_START,
  concat,
  encode,
  pae,
  random,
  RECEIPT_TYPE,
  receiptPayload,
  type ReceiptStatement,
  Reader,
  lp,
  type SignedStatement,
} from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import { receiptFor } from '../harness/envelopes.ts'
import type { Ground } from '../harness/ground.ts'
import { flipped, rogueServer } from '../harness/handshake.ts'
import { trap } from '../harness/line.ts'
import { RogueSession } from '../harness/session.ts'

/** What a dishonest server answers to a message; each byte string is one RECEIPT's payload. */
type Answer = (sent: SignedStatement, ground: Ground, journal: Uint8Array) => Promise<readonly Uint8Array[]>

const start = { before: CHAIN_START }

function changed(change: Partial<ReceiptStatement>): Answer {
  return async (sent, ground, journal) => [
    encode(receiptPayload, (await receiptFor(sent, ground.identity, { journal, ...start }, change)).receipt),
  ]
}

/** The bytes of a right statement changed, and signed again. */
function patched(place: number, ...bytes: readonly number[]): Answer {
  return (sent, ground, journal) =>
    restated(sent, ground, journal, (statement) => {
      statement.set(bytes, place)
      return statement
    })
}

async function restated(
  sent: SignedStatement,
  ground: Ground,
  journal: Uint8Array,
  change: (statement: Uint8Array) => Uint8Array,
): Promise<readonly Uint8Array[]> {
  const { receipt } = await receiptFor(sent, ground.identity, { journal, ...start })
  const statement = change(Uint8Array.from(receipt.statement))
  return [encode(receiptPayload, { statement, signature: await ground.identity.sign(pae(RECEIPT_TYPE, statement)) })]
}

function signature(change: (signature: Uint8Array) => Uint8Array): Answer {
  return async (sent, ground, journal) => {
    const { receipt } = await receiptFor(sent, ground.identity, { journal, ...start })
    return [encode(receiptPayload, { ...receipt, signature: change(receipt.signature) })]
  }
}

const forgeries: readonly (readonly [what: string, code: string, answer: Answer])[] = [
  ['from another server', 'RECEIPT', changed({ from: random(32) })],
  [
    'from mallory',
    'RECEIPT',
    async (sent, ground, journal) => [
      encode(receiptPayload, (await receiptFor(sent, ground.mallory, { journal, ...start })).receipt),
    ],
  ],
  ['to another client', 'RECEIPT', changed({ to: random(32) })],
  ['of another outbox', 'RECEIPT', changed({ outbox: random(16) })],
  ['for number 2', 'RECEIPT', changed({ first: 2 })],
  ['for two messages', 'RECEIPT', changed({ count: 2 })],
  ['for another envelope', 'RECEIPT', changed({ digest: random(32) })],
  ['outcome 0', 'ENCODING', patched(124, 0)],
  ['outcome 6', 'ENCODING', patched(124, 6)],
  ['outcome 255', 'ENCODING', patched(124, 255)],
  ['index 0', 'RECEIPT', changed({ index: 0 })],
  ['index 2 where 1 is due', 'RECEIPT', changed({ index: 2 })],
  ['index 2 of a journal that nobody knows', 'RECEIPT', changed({ journal: random(16), index: 2 })],
  ['another chain', 'RECEIPT', changed({ chain: random(32) })],
  ['a chain of zeros', 'RECEIPT', changed({ chain: new Uint8Array(32) })],
  ['a time that the chain does not hold', 'RECEIPT', patched(131, 1)],
  ['an outcome that the chain does not hold', 'RECEIPT', patched(124, 2)],
  [
    'a byte behind the statement',
    'ENCODING',
    (sent, ground, journal) => restated(sent, ground, journal, (value) => concat(value, Uint8Array.of(0))),
  ],
  ['half a statement', 'ENCODING', (sent, ground, journal) => restated(sent, ground, journal, (value) => value.subarray(0, 90))],
  ['a signature with one bit flipped', 'BAD_SIGNATURE', signature((value) => flipped(value, 100))],
  ['no signature', 'BAD_SIGNATURE', signature(() => new Uint8Array(0))],
  ['a signature one byte short', 'BAD_SIGNATURE', signature((value) => value.subarray(1))],
  [
    'mallory’s signature',
    'BAD_SIGNATURE',
    async (sent, ground, journal) => {
      const { receipt } = await receiptFor(sent, ground.identity, { journal, ...start })
      return [encode(receiptPayload, { ...receipt, signature: await ground.mallory.sign(pae(RECEIPT_TYPE, receipt.statement)) })]
    },
  ],
  [
    'the client’s own signature',
    'BAD_SIGNATURE',
    async (sent, ground, journal) => {
      const { receipt } = await receiptFor(sent, ground.identity, { journal, ...start })
      return [encode(receiptPayload, { ...receipt, signature: sent.signature })]
    },
  ],
  [
    'a byte behind the record',
    'ENCODING',
    async (sent, ground, journal) => [concat((await changed({})(sent, ground, journal))[0]!, Uint8Array.of(0))],
  ],
  ['an empty record', 'ENCODING', async () => [new Uint8Array(0)]],
  [
    'the same receipt twice',
    'RECEIPT',
    async (sent, ground, journal) => {
      const right = await changed({})(sent, ground, journal)
      return [...right, ...right]
    },
  ],
  [
    'a second one, signed differently: a chain that forks',
    'RECEIPT',
    async (sent, ground, journal) => {
      return [...(await changed({})(sent, ground, journal)), ...(await changed({ outcome: 3 })(sent, ground, journal))]
    },
  ],
]

/** How the session of an honest client ends that sends two messages to a server which answers the first like this. */
async function send(ground: Ground, answer: Answer): Promise<string> {
  await using server = await trap((line) => {
    const serving = async (): Promise<void> => {
      const journal = random(16)
      const agreed = await rogueServer(line, { identity: ground.identity, client: ground.alice.publicKey, journal })
      const session = new RogueSession(line, 'server', agreed)
      const envelope = await session.until('MESSAGE-END')
      if (envelope === undefined) return
      const reader = new Reader(envelope)
      const sent = { statement: Uint8Array.from(lp.read(reader)), signature: Uint8Array.from(lp.read(reader)) }
      for (const payload of await answer(sent, ground, journal)) session.send('RECEIPT', payload)
      await session.until('CLOSE')
      session.close()
    }
    serving().catch(() => {})
  })
  const options = { host: '127.0.0.1', port: server.port, identity: ground.alice, peer: ground.publicKey }
  const session = await connect({ ...options, limits: { closeWithin: 3_000 } })
  try {
    const receipt = await session.send('first')
    // Whoever has his receipt closes; what else the server has sent may still show.
    void session.close()
    const { error } = await session.closed
    return error?.code ?? receipt.outcome
  } catch (error) {
    void session.abandon(0)
    await session.closed
    if (error instanceof CountersignError) return error.code
    throw error
  }
}

export const attack: Attack = {
  title: 'A server with the pinned key signs receipts that are not so',
  tries:
    'each field of a receipt wrong, one by one, signed with the right key; each kind of signature but the right one; the same receipt twice, two that differ for one message, and a chain that forks.',
  plainDesignLoses: 'the promise: "OK" is believed from whoever says it, for whatever was sent last.',
  async run(ground) {
    const cases = new Cases()
    for (const [what, code, answer] of forgeries) cases.attempt(what, await send(ground, answer), code)
    const [stored, refused] = [await send(ground, changed({})), await send(ground, changed({ outcome: 3 }))]
    cases.control('a true receipt, by the same hand, is believed', stored, 'stored')
    cases.attempt('a refusal, which is the server’s right, is no success', refused, 'MESSAGE_REFUSED')
    cases.attempt('nor is a conflict', await send(ground, changed({ outcome: 4 })), 'MESSAGE_CONFLICT')
    cases.attempt('nor is a withdrawal', await send(ground, changed({ outcome: 5 })), 'MESSAGE_WITHDRAWN')
    return cases
  },
}
