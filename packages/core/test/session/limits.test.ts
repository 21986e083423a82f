import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat } from '../../src/bytes.ts'
import { Sealer } from '../../src/session/cipher.ts'
import { type Limits, LIMITS } from '../../src/session/limits.ts'
import { Session } from '../../src/session/session.ts'
import { KIND, type KindName, REASON } from '../../src/wire/records.ts'
import { codeOf } from '../harness/code.ts'
import { freshSecrets, Pair, plainEvent, secretsCopy } from '../harness/pair.ts'

const secrets = freshSecrets()

test('the limits are those of the protocol', () => {
  expect(LIMITS).toEqual({
    updateRecords: 1_048_576,
    updateBytes: 4_294_967_296,
    updateAge: 600_000,
    mostRecords: 4_194_304,
    mostBytes: 68_719_476_736,
    budget: 64,
    budgetRate: 8,
    freeUpdateAfter: 16,
    pingAfter: 30_000,
    idleAfter: 90_000,
    closeWithin: 5_000,
  })
})

/** The kinds that a side sends, as its peer would trace them. */
function sent(limits: Partial<Limits>, act: (session: Session) => void): string[] {
  const kinds: string[] = []
  const session = new Session({
    role: 'client',
    secrets: secretsCopy(secrets),
    mayReceive: true,
    limits,
    now: 0,
    trace: (out, kind, length) => kinds.push(`${out ? '' : 'heard '}${kind} ${length}`),
  })
  act(session)
  return kinds
}

const bytes = (length: number): Uint8Array[] => [new Uint8Array(length)]

describe('a sender changes its key before a record', () => {
  test('when the key has protected so many records: here 2, the KEY-UPDATE is the third', () => {
    const kinds = sent({ updateRecords: 2 }, (session) => {
      for (let i = 0; i < 4; i++) session.send('MESSAGE', bytes(1), 0)
    })
    expect(kinds).toEqual(['PING 8', 'MESSAGE 1', 'KEY-UPDATE 0', 'MESSAGE 1', 'MESSAGE 1', 'KEY-UPDATE 0', 'MESSAGE 1'])
  })

  test('when it has protected so many bytes of plaintext, the kinds among them', () => {
    const kinds = sent({ updateBytes: 20 }, (session) => {
      session.send('MESSAGE', bytes(9), 0)
      session.send('MESSAGE', bytes(1), 0)
      session.send('MESSAGE', bytes(1), 0)
    })
    expect(kinds).toEqual(['PING 8', 'MESSAGE 9', 'MESSAGE 1', 'KEY-UPDATE 0', 'MESSAGE 1'])
  })

  test('when it is so old', () => {
    const kinds = sent({ updateAge: 2 }, (session) => {
      for (const now of [1, 2, 3, 4]) session.send('MESSAGE', bytes(1), now)
    })
    expect(kinds).toEqual(['PING 8', 'MESSAGE 1', 'KEY-UPDATE 0', 'MESSAGE 1', 'MESSAGE 1', 'KEY-UPDATE 0', 'MESSAGE 1'])
  })
})

/** A server that hears what a peer seals, by kinds; answers the code that it ends with and how many records it took. */
function hear(
  limits: Partial<Limits>,
  records: readonly (readonly [KindName, number, number?])[],
): { code: string | undefined; taken: number } {
  const session = new Session({ role: 'server', secrets: secretsCopy(secrets), mayReceive: true, limits, now: 0 })
  const peer = new Sealer(secretsCopy(secrets).client)
  for (const [taken, [kind, length, now = 0]] of records.entries()) {
    const record = concat(...peer.record(KIND[kind], bytes(length)))
    if (kind === 'KEY-UPDATE') peer.update()
    const code = codeOf(() => [...session.receive(record, now)])
    if (code !== undefined) return { code, taken }
  }
  return { code: undefined, taken: records.length }
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value)

describe('a receiver ends the session', () => {
  test('past so many records under one key, and counts anew under the next', () => {
    const message = ['MESSAGE', 1] as const
    expect(hear({ mostRecords: 2 }, times(3, message))).toEqual({ code: 'LIMIT', taken: 2 })
    expect(hear({ mostRecords: 2 }, [message, ['KEY-UPDATE', 0], message, message])).toEqual({ code: undefined, taken: 4 })
    expect(hear({ mostRecords: 2 }, [message, ['KEY-UPDATE', 0], message, message, message])).toEqual({ code: 'LIMIT', taken: 4 })
  })

  test('past so many bytes of plaintext under one key, and counts anew under the next', () => {
    const message = ['MESSAGE', 9] as const
    expect(hear({ mostBytes: 20 }, times(2, message))).toEqual({ code: undefined, taken: 2 })
    expect(hear({ mostBytes: 20 }, times(3, message))).toEqual({ code: 'LIMIT', taken: 2 })
    expect(hear({ mostBytes: 11 }, [message, ['KEY-UPDATE', 0], message])).toEqual({ code: undefined, taken: 3 })
  })

  const ping = (now: number) => ['PING', 8, now] as const

  test('past the budget of records without content: 64 at once, as many again after 8 s, never more', () => {
    expect(hear({}, times(65, ping(0)))).toEqual({ code: 'LIMIT', taken: 64 })
    expect(hear({}, [...times(64, ping(0)), ...times(8, ping(1000))])).toEqual({ code: undefined, taken: 72 })
    expect(hear({}, [...times(64, ping(0)), ...times(9, ping(1000))])).toEqual({ code: 'LIMIT', taken: 72 })
    expect(hear({}, [...times(64, ping(0)), ...times(65, ping(1_000_000))])).toEqual({ code: 'LIMIT', taken: 128 })
  })

  test('past a budget of 2 alike', () => {
    expect(hear({ budget: 2, budgetRate: 1 }, times(3, ping(0)))).toEqual({ code: 'LIMIT', taken: 2 })
    expect(hear({ budget: 2, budgetRate: 1 }, [...times(2, ping(0)), ping(999)])).toEqual({ code: 'LIMIT', taken: 2 })
    expect(hear({ budget: 2, budgetRate: 1 }, [...times(2, ping(0)), ping(1000)])).toEqual({ code: undefined, taken: 3 })
  })

  test.each(['PING', 'KEY-UPDATE', 'MESSAGE-END'] as const)('by too many %s', (kind) => {
    expect(hear({ budget: 2 }, times(3, [kind, kind === 'PING' ? 8 : 0] as const))).toEqual({ code: 'LIMIT', taken: 2 })
  })

  test('by content never', () => {
    expect(hear({ budget: 1 }, times(200, ['MESSAGE', 1] as const)).code).toBeUndefined()
    expect(hear({ budget: 1 }, times(200, ['MESSAGE-END', 1] as const)).code).toBeUndefined()
  })

  test('by KEY-UPDATE not, where so many records with content stood under its key', () => {
    const sixteen = [...times(16, ['MESSAGE', 1] as const), ['KEY-UPDATE', 0] as const]
    const fifteen = sixteen.slice(1)
    expect(hear({ budget: 1 }, times(20, sixteen).flat()).code).toBeUndefined()
    expect(hear({ budget: 1 }, times(2, fifteen).flat())).toEqual({ code: 'LIMIT', taken: 31 })
    const two = [...times(2, ['MESSAGE', 1] as const), ['KEY-UPDATE', 0] as const]
    expect(hear({ budget: 1, freeUpdateAfter: 2 }, times(20, two).flat()).code).toBeUndefined()
  })
})

/** What either side does in turn. */
type Act = readonly ['message' | 'part' | 'receipt' | 'ping' | 'update', number] | readonly ['sleep', number]

const acts: fc.Arbitrary<readonly (readonly ['client' | 'server', Act])[]> = fc.array(
  fc.tuple(
    fc.constantFrom('client', 'server'),
    fc.oneof(
      fc.tuple(fc.constantFrom('message', 'part', 'receipt', 'ping', 'update'), fc.integer({ min: 1, max: 400 })),
      fc.tuple(fc.constant('sleep'), fc.integer({ min: 1, max: 400 })),
    ),
  ),
  { maxLength: 40 },
)

function perform(pair: Pair, role: 'client' | 'server', [what, size]: Act): void {
  const { session } = pair[role]
  const payload = new Uint8Array(size).fill(size)
  switch (what) {
    case 'message':
      return session.send('MESSAGE-END', [payload], pair.now)
    case 'part':
      return session.send('MESSAGE', [payload], pair.now)
    case 'receipt':
      return session.sendReceipt({ statement: payload, signature: payload }, pair.now)
    case 'ping':
      return session.ping(pair.now)
    case 'update':
      return session.updateKey(pair.now)
    case 'sleep':
      pair.now += size
  }
}

/** Plays a conversation and answers what both sides have seen of content, however the stream is cut. */
function play(limits: Partial<Limits>, list: readonly (readonly ['client' | 'server', Act])[], cuts: readonly number[]): unknown {
  const pair = new Pair({ secrets, limits: { budget: 1e6, ...limits } })
  pair.settle()
  for (const [turn, [role, act]] of list.entries()) {
    perform(pair, role, act)
    pair.write(role)
    // Some of what is on its way arrives now, in pieces; the rest with what comes later.
    const cut = cuts[turn % cuts.length]!
    pair.read(role === 'client' ? 'server' : 'client', cut * 3, cut)
  }
  pair.settle(cuts[0])
  pair.client.session.close(REASON.done, '', pair.now)
  pair.server.session.close(REASON.done, '', pair.now)
  pair.settle()
  const seen = ({ events, error }: Pair['client']) => ({
    events: events.filter(({ type }) => type !== 'pong').map(plainEvent),
    error,
  })
  return { client: seen(pair.client), server: seen(pair.server) }
}

const cuts = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 10 })

describe('a conversation', () => {
  test('gives the same events however the stream is cut and joined', () => {
    fc.assert(
      fc.property(acts, cuts, (list, lengths) => {
        expect(play({}, list, lengths)).toEqual(play({}, list, [1_000_000]))
      }),
      { numRuns: 60 },
    )
  })

  test('gives the same events with key updates at every second record, byte or millisecond as with none', () => {
    const small = [{ updateRecords: 2 }, { updateBytes: 2 }, { updateAge: 2 }, { updateRecords: 2, mostRecords: 3 }]
    fc.assert(
      fc.property(acts, fc.constantFrom(...small), cuts, (list, limits, lengths) => {
        expect(play(limits, list, lengths)).toEqual(play({}, list, lengths))
      }),
      { numRuns: 60 },
    )
  })

  test('that loses bytes anywhere ends in silence, and what came before them stands', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 30 }), (from, length) => {
        const pair = new Pair({ secrets })
        pair.settle()
        for (let i = 0; i < 5; i++) pair.client.session.send('MESSAGE-END', [new Uint8Array(20).fill(i)], 0)
        const total = pair.write('client')
        const whole = pair.server.incoming
        pair.lose('server', from % (total - length), length)
        // The next byte may be the same as the one that was lost.
        const differs = pair.server.incoming.findIndex((byte, i) => byte !== whole[i])
        const same = differs < 0 ? total - length : differs
        // Records without end behind it, so that what is short of bytes gets some.
        for (let i = 0; i < 2; i++) pair.client.session.send('MESSAGE-END', [new Uint8Array(65_536)], 0)
        pair.write('client')
        pair.read('server')
        const parts = pair.server.events.filter(({ type }) => type === 'part')
        expect(parts.length).toBe(Math.floor(same / 41))
        expect(['FRAME', 'NOT_AUTHENTIC']).toContain(pair.server.error?.code)
        expect(pair.write('server')).toBe(0)
      }),
      { numRuns: 100 },
    )
  })
})
