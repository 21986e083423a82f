import {
  concat,
  decode,
  lengthPrefixed,
  type MessageStatement,
  type OutgoingEnvelope,
  pae,
  random,
  RECEIPT_TYPE,
  sha256,
  utf8,
} from '@countersign/core/protocol'
import { messageStatement } from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import { envelopeOf, itemsOf, resigned, signedAs, wireOf } from '../harness/envelopes.ts'
import type { Ground } from '../harness/ground.ts'
import { flipped } from '../harness/handshake.ts'

type Forge = (envelope: OutgoingEnvelope, ground: Ground, outbox: Uint8Array) => Promise<Uint8Array> | Uint8Array

function field(change: Partial<MessageStatement>): Forge {
  return async (envelope, { mallory }) => wireOf(await resigned(envelope, mallory, change))
}

function patched(place: number, ...bytes: readonly number[]): Forge {
  return async (envelope, { mallory }) => {
    const statement = Uint8Array.from(envelope.message.statement)
    statement.set(bytes, place)
    return wireOf(await signedAs(envelope, mallory, statement))
  }
}

function signature(change: (signature: Uint8Array) => Uint8Array): Forge {
  return (envelope) => {
    const { statement, signature: right } = envelope.message
    return wireOf({ ...envelope, message: { statement, signature: change(right) } })
  }
}

const forgeries: readonly (readonly [what: string, must: string, forge: Forge])[] = [
  [
    'from alice',
    'CLOSE 4',
    async (envelope, ground) => wireOf(await resigned(envelope, ground.mallory, { from: ground.alice.publicKey.id })),
  ],
  [
    'from the server itself',
    'CLOSE 4',
    async (envelope, ground) => wireOf(await resigned(envelope, ground.mallory, { from: ground.publicKey.id })),
  ],
  ['to another server', 'CLOSE 4', field({ to: random(32) })],
  [
    'to mallory',
    'CLOSE 4',
    async (envelope, ground) => wireOf(await resigned(envelope, ground.mallory, { to: ground.mallory.publicKey.id })),
  ],
  ['of another outbox', 'CLOSE 4', field({ outbox: random(16) })],
  ['number 0', 'CLOSE 4', patched(80, 0, 0, 0, 0, 0, 0, 0, 0)],
  ['a number above 2^53', 'CLOSE 4', patched(80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)],
  ['number 2^53, with nothing behind it', 'CLOSE 4', patched(80, 0, 0x20, 0, 0, 0, 0, 0, 0)],
  ['number 2: a gap', 'CLOSE 5', field({ first: 2 })],
  ['number 2^52: a gap', 'CLOSE 5', field({ first: 2 ** 52 })],
  ['no messages', 'CLOSE 4', patched(96, 0, 0, 0, 0)],
  ['two messages and one leaf', 'CLOSE 4', patched(96, 0, 0, 0, 2)],
  ['4097 messages', 'CLOSE 4', patched(96, 0, 0, 0x10, 1)],
  ['2^32 - 1 messages', 'CLOSE 4', patched(96, 0xff, 0xff, 0xff, 0xff)],
  ['sent after 2^53', 'CLOSE 4', patched(88, 0xff)],
  ['another leaf', 'CLOSE 4', field({ leaves: random(32) })],
  ['a leaf without its salt', 'CLOSE 4', field({ leaves: sha256(utf8('attempt')) })],
  [
    'a byte behind the statement',
    'CLOSE 4',
    async (e, { mallory }) => wireOf(await signedAs(e, mallory, concat(e.message.statement, Uint8Array.of(0)))),
  ],
  [
    'half a statement',
    'CLOSE 4',
    async (e, { mallory }) => wireOf(await signedAs(e, mallory, e.message.statement.subarray(0, 66))),
  ],
  ['an empty statement', 'CLOSE 4', async (e, { mallory }) => wireOf(await signedAs(e, mallory, new Uint8Array(0)))],
  ['a statement of 4 GiB', 'CLOSE 4', () => concat(Uint8Array.of(0xff, 0xff, 0xff, 0xff), random(100))],
  ['a signature with one bit flipped', 'CLOSE 4', signature((value) => flipped(value, 300))],
  ['a signature of zeros', 'CLOSE 4', signature((value) => new Uint8Array(value.length))],
  ['no signature', 'CLOSE 4', signature(() => new Uint8Array(0))],
  ['a signature one byte long', 'CLOSE 4', signature((value) => concat(value, Uint8Array.of(0)))],
  [
    'a right signature whose length lies',
    'CLOSE 4',
    async (envelope) => {
      const bytes = Uint8Array.from(await wireOf(envelope))
      bytes[4 + envelope.message.statement.length + 3]! += 1
      return bytes
    },
  ],
  [
    'a signature of 4 GiB',
    'CLOSE 4',
    ({ message }) => concat(lengthPrefixed(message.statement), Uint8Array.of(0xff, 0xff, 0xff, 0xff)),
  ],
  [
    'the signature of a receipt',
    'CLOSE 4',
    async (envelope, { mallory }) => {
      const { statement } = envelope.message
      return wireOf({ ...envelope, message: { statement, signature: await mallory.sign(pae(RECEIPT_TYPE, statement)) } })
    },
  ],
  [
    'the signature over the bare statement',
    'CLOSE 4',
    async (envelope, { mallory }) => {
      const { statement } = envelope.message
      return wireOf({ ...envelope, message: { statement, signature: await mallory.sign(statement) } })
    },
  ],
  ['alice’s signature', 'CLOSE 4', async (envelope, { alice }) => wireOf(await resigned(envelope, alice, {}))],
  ['S of the signature raised by the group order', 'CLOSE 4', signature(raised)],
]

/** The other encoding of the same signature: S + L, which a careless verifier takes as well. */
function raised(value: Uint8Array): Uint8Array {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const s = BigInt(`0x${Buffer.from(value.subarray(32).toReversed()).toString('hex')}`) + order
  return concat(value.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex').toReversed())
}

export const attack: Attack = {
  title: 'An enrolled client sends statements that are not so',
  tries:
    'each field of a message statement wrong, one by one, signed with the right key; and each kind of signature but the right one over a statement that is true.',
  plainDesignLoses: 'evidence: a signature over the text alone leaves sender, receiver, number and time for anybody to fill in.',
  async run(ground) {
    const cases = new Cases()
    for (const [i, [what, must, forge]] of forgeries.entries()) {
      const entered = await ground.begin()
      const { session, outbox } = entered
      const envelope = await envelopeOf(ground.placeOf(entered), 1, `attempt ${i}`)
      session.envelope(await forge(envelope, ground, outbox))
      const ended = await session.fate()
      session.line.destroy()
      const receipts = session.receipts.length + ground.stored(`attempt ${i}`)
      cases.attempt(what, receipts > 0 ? `${ended}, and a receipt or a message` : ended, must)
    }
    // It is not waited for: its length alone says enough.
    const MEBIBYTE = Uint8Array.of(0, 0x10, 0, 0)
    for (const what of ['statement', 'signature']) {
      const endless = await ground.begin()
      const { message } = await envelopeOf(ground.placeOf(endless), 1, 'never')
      const before = what === 'statement' ? [] : [lengthPrefixed(message.statement)]
      endless.session.send('MESSAGE', concat(...before, MEBIBYTE, random(1000)))
      cases.attempt(`the beginning of a ${what} of a mebibyte`, await endless.session.fate(), 'CLOSE 4')
      endless.session.line.destroy()
    }
    const entered = await ground.begin()
    const { session } = entered
    const envelope = await envelopeOf(ground.placeOf(entered), 1, 'a true one')
    session.envelope(await wireOf(await resigned(envelope, ground.mallory, { sentAt: 1 })))
    const receipt = await session.receipt()
    cases.control(
      'signed by the same hand, a true statement is taken, whatever time it claims',
      String(receipt !== undefined),
      'true',
    )
    cases.control(
      'its items are what its leaves say',
      decode(messageStatement, envelope.message.statement).leaves.join(),
      sha256(await itemsOf(envelope)).join(),
    )
    session.close()
    return cases
  },
}
