/** Every layout of the protocol, with values to try it on. */
import * as fc from 'fast-check'
import {
  bytes,
  type Codec,
  lp,
  lp16,
  lp8,
  u16,
  u24,
  u32,
  u64,
  u64Bound,
  u64OrMark,
  u8,
  WITHDRAWN_MARK,
} from '../../src/wire/codec.ts'
import { type MessageStatement, messageStatement } from '../../src/wire/envelope.ts'
import {
  clientPayload,
  hello,
  HELLO_START,
  helloAck,
  type Position,
  position,
  proof,
  refusal,
  serverPayload,
  sessionKey,
  sessionKeyData,
} from '../../src/wire/frames.ts'
import { OUTCOME, type ReceiptStatement, receiptStatement } from '../../src/wire/receipt.ts'
import { closePayload, pingPayload, receiptPayload } from '../../src/wire/records.ts'

export interface Layout {
  readonly name: string
  readonly codec: Codec<unknown>
  readonly values: fc.Arbitrary<unknown>
  /** Encoded bytes of a length that the layout fixes. */
  readonly length?: number
  /** Whether it takes other bytes for a value than it writes. */
  readonly lenient?: true
}

function layout<T>(
  name: string,
  codec: Codec<T>,
  values: fc.Arbitrary<T>,
  more: Pick<Layout, 'length' | 'lenient'> = {},
): Layout {
  return { name, codec, values, ...more }
}

const exactly = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const upTo = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength })
const below = (bits: number): fc.Arbitrary<number> => fc.nat(2 ** bits - 1)
const wide = (max: number = 2 ** 53): fc.Arbitrary<number> => {
  const near = [0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, max].filter((value) => value <= max)
  return fc.oneof(fc.constantFrom(...near), fc.double({ min: 0, max, noNaN: true }).map(Math.floor))
}
const atLeastOne = (max: number): fc.Arbitrary<number> => wide(max - 1).map((value) => value + 1)

const positions: fc.Arbitrary<Position> = fc
  .record({ next: atLeastOne(2 ** 53), offset: wide(), digest: exactly(32) })
  .map(({ next, offset, digest }) =>
    offset === 0 ? { next, offset, digest: new Uint8Array(32) } : { next, offset, digest: digest.with(0, 1) },
  )

const statements: fc.Arbitrary<MessageStatement> = fc
  .record({
    from: exactly(32),
    to: exactly(32),
    outbox: exactly(16),
    first: atLeastOne(2 ** 53 - 20),
    sentAt: wide(),
    count: fc.integer({ min: 1, max: 20 }),
  })
  .chain(({ count, ...fields }) => exactly(32 * count).map((leaves) => ({ ...fields, leaves })))

const receipts: fc.Arbitrary<ReceiptStatement> = fc.record({
  from: exactly(32),
  to: exactly(32),
  outbox: exactly(16),
  first: wide(),
  count: below(32),
  digest: exactly(32),
  outcome: fc.constantFrom(...Object.values(OUTCOME)),
  receivedAt: wide(),
  journal: exactly(16),
  index: wide(),
  chain: exactly(32),
})

const acceptance = fc.record({ status: below(8), wrapped: upTo(512), data: upTo(72), confirm: exactly(32) })
const clientPayloads = fc.record({
  keyId: exactly(32),
  outbox: exactly(16),
  journal: exactly(16),
  position: positions,
  maxItem: wide(),
  receives: fc.constantFrom(0, 1),
})
const hellos = fc.record({ random: exactly(32), reserved: below(24), kemPublic: exactly(1216), gate: exactly(32) })

export const LAYOUTS: readonly Layout[] = [
  layout('u8', u8, below(8), { length: 1 }),
  layout('u16', u16, below(16), { length: 2 }),
  layout('u24', u24, below(24), { length: 3 }),
  layout('u32', u32, below(32), { length: 4 }),
  layout('u64', u64, wide(), { length: 8 }),
  layout('u64 that only bounds', u64Bound, wide(), { length: 8, lenient: true }),
  layout('u64 or mark', u64OrMark, fc.oneof(wide(), fc.constant(WITHDRAWN_MARK)), { length: 8 }),
  layout('bytes', bytes(16), exactly(16), { length: 16 }),
  layout('LP8', lp8, upTo(255)),
  layout('LP16', lp16, upTo(300)),
  layout('LP', lp, upTo(300)),
  layout(
    'HELLO',
    hello,
    hellos.map((fields) => ({ ...HELLO_START, ...fields })),
    { length: 1288 },
  ),
  layout('HELLO+ACK', helloAck, fc.record({ random: exactly(32), kemCiphertext: exactly(1120), sealed: exactly(4112) }), {
    length: 5264,
  }),
  layout('proof', proof, fc.record({ payload: upTo(121), signature: upTo(3309), mac: exactly(32) }), { length: 4096 }),
  layout('position', position, positions, { length: 48 }),
  layout('payload of the server', serverPayload, fc.record({ keyId: exactly(32), outbox: exactly(16) }), { length: 48 }),
  layout('payload of the client', clientPayload, clientPayloads, { length: 121, lenient: true }),
  layout('SESSION-KEY', sessionKey, acceptance, { length: 1024 }),
  layout('data of SESSION-KEY', sessionKeyData, fc.record({ journal: exactly(16), position: positions, maxItem: wide() }), {
    length: 72,
    lenient: true,
  }),
  layout('refusal', refusal, fc.record({ status: below(8), text: upTo(1019) }), { length: 1024 }),
  layout('message statement', messageStatement, statements),
  layout('receipt statement', receiptStatement, receipts, { length: 189 }),
  layout('RECEIPT', receiptPayload, fc.record({ statement: upTo(300), signature: upTo(600) })),
  layout('PING', pingPayload, exactly(8), { length: 8 }),
  layout('CLOSE', closePayload, fc.record({ reason: below(8), text: upTo(300) })),
]
