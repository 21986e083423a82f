import { describe, expect, test } from 'vitest'
import { concat, hex } from '../../src/bytes.ts'
import { RecordOpener, Sealer } from '../../src/session/cipher.ts'
import { decode } from '../../src/wire/codec.ts'
import { KIND, receiptPayload } from '../../src/wire/records.ts'
import { plainEvent } from '../harness/pair.ts'
import { bytesOf, read, type RoleVector } from './read.ts'
import { conversing, script } from './records.ts'

const { handshake: name, conversation, far } = read('records.json')
const handshake = read('handshakes.json').handshakes.find((vector) => vector.name === name)!

const payloadOf = (...kinds: readonly number[]): Buffer => {
  return Buffer.concat(conversation.filter(({ kind }) => kinds.includes(kind)).map(({ payload }) => bytesOf(payload)))
}
const envelope = payloadOf(KIND.MESSAGE, KIND['MESSAGE-END'])
const receipt = decode(receiptPayload, payloadOf(KIND.RECEIPT))

interface Replay {
  readonly written: readonly string[]
  readonly events: readonly unknown[]
  /** How many events came, or CLOSEs were seen, before the last byte of their record. */
  readonly early: number
}

/** One side speaks for itself; the other's frames are the vector's, in pieces of this length. */
function replay(role: RoleVector, piece: number): Replay {
  const { [role]: session } = conversing(handshake)
  const written: string[] = []
  const events: unknown[] = []
  let early = 0
  for (const [i, [from, act]] of script(envelope, receipt).entries()) {
    if (from === role) {
      act(session)
      written.push(hex(concat(...session.takeOutput(0))))
      continue
    }
    const frame = bytesOf(conversation[i]!.frame)
    for (let at = 0; at < frame.length; at += piece) {
      const now = [...session.receive(frame.subarray(at, at + piece), 0)].map(plainEvent)
      if (at + piece < frame.length) early += now.length + (session.closeReceived ? 1 : 0)
      events.push(...now)
    }
  }
  return { written, events, early }
}

/** What a side hears of the conversation. */
const HEARD: Record<RoleVector, unknown[]> = {
  client: [
    { type: 'pong', elapsed: 0 },
    { type: 'receipt', receipt: { statement: hex(receipt.statement), signature: hex(receipt.signature) } },
    { type: 'close', reason: 0, text: '' },
  ],
  server: [
    { type: 'confirmed' },
    { type: 'part', pieces: hex(envelope.subarray(0, 100)), end: false },
    { type: 'part', pieces: hex(envelope.subarray(100)), end: true },
    { type: 'pong', elapsed: 0 },
    { type: 'close', reason: 1, text: 'going away' },
  ],
}

describe.each(['client', 'server'] as const)('the conversation, as %s', (role) => {
  const own = conversation.filter(({ from }) => from === role).map(({ frame }) => frame)

  test.each([
    ['record by record', Infinity],
    ['byte by byte', 1],
    ['in pieces of seven bytes', 7],
  ])('read %s, gives the same records and the same events, none of them before its record is whole', (_, piece) => {
    const { written, events, early } = replay(role, piece)
    expect(written).toEqual(own)
    expect(events).toEqual(HEARD[role])
    expect(early).toBe(0)
  })
})

test('the server is silent until the first record has opened', () => {
  const { client, server } = conversing(handshake)
  const first = concat(...client.takeOutput(0))
  for (const _ of server.receive(first.subarray(0, -1), 0)) void _
  expect(server.takeOutput(0)).toEqual([])
  expect([...server.receive(first.subarray(-1), 0)]).toEqual([{ type: 'confirmed' }])
  expect(hex(concat(...server.takeOutput(0)))).toBe(conversation[1]!.frame)
})

test.each(far.map((record) => ({ ...record, name: String(record.seq) })))(
  'sequence number $name',
  ({ seq, secret, kind, payload, frame }) => {
    const sealer = new Sealer(bytesOf(secret))
    sealer.seq = seq
    expect(hex(concat(...sealer.record(kind, [bytesOf(payload)])))).toBe(frame)
    expect(sealer.seq).toBe(seq + 1)
    const opener = new RecordOpener(bytesOf(secret))
    opener.seq = seq
    const { record } = opener.take(bytesOf(frame))
    expect(record && hex(concat(...record.payload))).toBe(payload)
  },
)

test.each(['client', 'server'] as const)(
  'the %s goes on with the next secret after its KEY-UPDATE, from sequence number 0',
  (role) => {
    const records = conversation.filter(({ from }) => from === role)
    const steps = records.slice(1).map(({ secret, seq }, i) => {
      const before = records[i]!
      return { updated: before.kind === KIND['KEY-UPDATE'], same: secret === before.secret, seq, after: before.seq }
    })
    const right = steps.map(({ updated, after }) => ({ updated, same: !updated, seq: updated ? 0 : after + 1, after }))
    expect(steps).toEqual(right)
    expect(steps.some(({ updated }) => updated)).toBe(true)
  },
)
