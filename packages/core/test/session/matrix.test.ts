import { describe, expect, test } from 'vitest'
import { concat, equal } from '../../src/bytes.ts'
import { random } from '../../src/crypto/hash.ts'
import type { CountersignError, ErrorCode } from '../../src/errors.ts'
import { reasonOf } from '../../src/node/ending.ts'
import { Sealer } from '../../src/session/cipher.ts'
import { Session, type SessionEvent } from '../../src/session/session.ts'
import { encode, lengthPrefixed } from '../../src/wire/codec.ts'
import { FRAMES } from '../../src/wire/frames.ts'
import { KIND, type KindName, MAX_PAYLOAD, REASON, receiptPayload } from '../../src/wire/records.ts'
import { freshSecrets, other, type Role, secretsCopy } from '../harness/pair.ts'

const secrets = freshSecrets()
const PING = new Uint8Array(8).fill(0x55)

/** What a side knows that decides which records are legal. */
interface Facts {
  readonly role: Role
  confirmed: boolean
  pinging: boolean
  closeSent: boolean
  closeReceived: boolean
  readonly mayReceive: boolean
}

interface State {
  readonly session: Session
  /** What its peer seals with. */
  readonly peer: Sealer
  readonly facts: Facts
}

function start(role: Role, mayReceive = true): State {
  const session = new Session({ role, secrets: secretsCopy(secrets), mayReceive, now: 0, random: () => PING })
  session.takeOutput(0)
  const peer = new Sealer(secretsCopy(secrets)[other(role)])
  const facts = {
    role,
    confirmed: role === 'client',
    pinging: role === 'client',
    closeSent: false,
    closeReceived: false,
    mayReceive,
  }
  return { session, peer, facts }
}

/** Lets the peer say something legal. */
function hears(state: State, kind: KindName, payload: Uint8Array): State {
  const events = [...state.session.receive(concat(...state.peer.record(KIND[kind], [payload])), 0)]
  expect(events.length).toBeGreaterThanOrEqual(kind === 'PING' && state.facts.confirmed ? 0 : 1)
  state.facts.confirmed = true
  if (kind === 'PONG') state.facts.pinging = false
  if (kind === 'CLOSE') state.facts.closeReceived = true
  state.session.takeOutput(0)
  return state
}

function closes(state: State): State {
  state.session.close(REASON.done, '', 0)
  state.session.takeOutput(0)
  state.facts.closeSent = true
  return state
}

function pings(state: State): State {
  state.session.ping(0)
  state.session.takeOutput(0)
  state.facts.pinging = true
  return state
}

const CLOSED = Uint8Array.of(0, 0, 0, 0, 0)
const confirmed = (mayReceive?: boolean): State => hears(start('server', mayReceive), 'PING', random(8))
const answered = (mayReceive?: boolean): State => hears(start('client', mayReceive), 'PONG', PING)

const STATES: Readonly<Record<string, () => State>> = {
  'a server whose client has not confirmed its keys': () => start('server'),
  'a server in session': () => confirmed(),
  'a server that has asked with PING': () => pings(confirmed()),
  'a server that takes no messages': () => confirmed(false),
  'a server that has sent CLOSE': () => closes(confirmed()),
  'a server that has heard CLOSE': () => hears(confirmed(), 'CLOSE', CLOSED),
  'a client whose PING is not answered yet': () => start('client'),
  'a client in session': () => answered(),
  'a client that takes no messages': () => answered(false),
  'a client that has sent CLOSE': () => closes(answered()),
  'a client that has heard CLOSE': () => hears(answered(), 'CLOSE', CLOSED),
}

const receipt = encode(receiptPayload, { statement: random(189), signature: random(64) })
const withText = (reason: number, text: Uint8Array): Uint8Array => concat(Uint8Array.of(reason), lengthPrefixed(text))

const PAYLOADS: Readonly<Record<string, Uint8Array>> = {
  nothing: new Uint8Array(0),
  'a byte': Uint8Array.of(1),
  'seven bytes': random(7),
  'eight bytes': random(8),
  'the eight bytes of our PING': PING,
  'nine bytes': random(9),
  'a receipt': receipt,
  'a receipt cut short': receipt.subarray(0, -1),
  'a receipt with a byte behind it': concat(receipt, Uint8Array.of(0)),
  'a CLOSE': withText(0, Buffer.from('done')),
  'a CLOSE of an unknown reason': withText(200, new Uint8Array(0)),
  'a CLOSE that is no UTF-8': withText(4, Uint8Array.of(0xff)),
  'a CLOSE cut short': withText(0, Buffer.from('done')).subarray(0, -1),
  'a CLOSE with a byte behind it': concat(CLOSED, Uint8Array.of(0)),
  'the longest payload': random(MAX_PAYLOAD),
}

const KINDS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 128, 255]

type Expected = { readonly event?: SessionEvent['type']; readonly pong?: true; readonly error?: ErrorCode }

/** Section 7 of the protocol, as a table: what one record does in a state, which it changes. */
function expected(facts: Facts, kind: number, payload: Uint8Array, form: string): Expected {
  if (facts.closeReceived) return {}
  const wellFormed = (what: string): boolean => form.startsWith(what) && !/cut|behind/.test(form)
  switch (kind) {
    case KIND.MESSAGE:
    case KIND['MESSAGE-END']:
      if (!facts.mayReceive || (kind === KIND.MESSAGE && payload.length === 0)) return { error: 'PROTOCOL' }
      return facts.closeSent ? {} : { event: 'part' }
    case KIND.RECEIPT:
      return wellFormed('a receipt') ? { event: 'receipt' } : { error: 'ENCODING' }
    case KIND['KEY-UPDATE']:
      return payload.length === 0 ? {} : { error: 'PROTOCOL' }
    case KIND.PING:
      if (payload.length !== 8) return { error: 'ENCODING' }
      return facts.closeSent ? {} : { pong: true }
    case KIND.PONG: {
      if (payload.length !== 8) return { error: 'ENCODING' }
      if (!facts.pinging || !equal(payload, PING)) return { error: 'PROTOCOL' }
      facts.pinging = false
      return { event: 'pong' }
    }
    case KIND.CLOSE:
      if (!wellFormed('a CLOSE')) return { error: 'ENCODING' }
      facts.closeReceived = true
      return { event: 'close' }
    default:
      return { error: 'PROTOCOL' }
  }
}

interface Seen {
  readonly events: readonly string[]
  readonly error: CountersignError | undefined
  /** Bytes that the side then has to write. */
  readonly output: number
}

function feed({ session }: State, bytes: Uint8Array): Seen {
  const events: string[] = []
  let error: CountersignError | undefined
  try {
    for (const { type } of session.receive(bytes, 0)) events.push(type)
  } catch (thrown) {
    error = thrown as CountersignError
  }
  return { events, error, output: session.takeOutput(0).reduce((sum, { length }) => sum + length, 0) }
}

const PONG_FRAME = 4 + 1 + 8 + 16

describe.each(Object.keys(STATES))('%s', (name) => {
  const make = STATES[name]!

  test.each(KINDS)('takes records of kind %i as section 7 says, once and again', (kind) => {
    for (const [form, payload] of Object.entries(PAYLOADS)) {
      const state = make()
      let over = false
      for (const turn of ['once', 'again', 'a third time']) {
        const wasConfirmed = state.facts.confirmed
        const { event, pong, error }: Expected = over ? {} : expected(state.facts, kind, payload, form)
        const seen = feed(state, concat(...state.peer.record(kind, [payload])))
        if (kind === KIND['KEY-UPDATE']) state.peer.update()
        state.facts.confirmed = true
        const first = wasConfirmed ? [] : ['confirmed']
        const right = { events: [...first, ...(event ? [event] : [])], error, output: pong ? PONG_FRAME : 0 }
        expect({ ...seen, error: seen.error?.code }, `${form}, ${turn}`).toEqual(right)
        // What a record that opened does wrong ends the session with CLOSE 4.
        expect(seen.error && reasonOf(seen.error)).toBe(error && REASON.protocolError)
        over ||= error !== undefined
      }
    }
  })

  /** Bytes that are not a record of the peer's next sequence number and key; whether their header is legal. */
  const FORGERIES: Readonly<Record<string, (state: State) => Uint8Array>> = {
    noise: () => concat(Uint8Array.of(5, 0, 0, 29), random(29)),
    'zeros of the least length': () => concat(Uint8Array.of(5, 0, 0, 17), new Uint8Array(17)),
    'a record of its own, reflected': ({ facts }) =>
      concat(...new Sealer(secretsCopy(secrets)[facts.role]).record(KIND.PING, [PING])),
    'the record after the next': ({ peer }) => {
      peer.record(KIND.PING, [PING])
      return concat(...peer.record(KIND.PING, [PING]))
    },
    'the peer’s first record again': ({ peer, facts }) => {
      const again = concat(...new Sealer(secretsCopy(secrets)[other(facts.role)]).record(KIND.PING, [PING]))
      return peer.seq > 0 ? again : concat(again.subarray(0, -1), Uint8Array.of(again.at(-1)! ^ 1))
    },
    'a record under the next key': ({ peer }) => {
      peer.update()
      return concat(...peer.record(KIND.PING, [PING]))
    },
    'a record whose header says a byte less': ({ peer }) => {
      const record = concat(...peer.record(KIND.PING, [PING]))
      return record.with(3, record[3]! - 1)
    },
    'a record with its last byte changed': ({ peer }) => {
      const record = concat(...peer.record(KIND.PING, [PING]))
      return record.with(record.length - 1, record.at(-1)! ^ 0x80)
    },
  }

  test.each(Object.keys(FORGERIES))('ends in silence by %s, and stays so', (forgery) => {
    const state = make()
    const deaf = state.facts.closeReceived
    const bytes = FORGERIES[forgery]!(state)
    const seen = feed(state, bytes)
    expect({ ...seen, error: seen.error?.code }).toEqual({ events: [], error: deaf ? undefined : 'NOT_AUTHENTIC', output: 0 })
    expect(seen.error && reasonOf(seen.error)).toBeUndefined()
    expect(feed(state, concat(...state.peer.record(KIND.PING, [PING])))).toEqual({ events: [], error: undefined, output: 0 })
  })

  test('ends in silence by the header alone of any other frame, and of a RECORD of another length', () => {
    const lengths = [0, 1, 16, 17, 1040, 1288, 4112, 5264, 65_553, 65_554, 2 ** 24 - 1]
    const { type: record, least, most } = FRAMES.RECORD
    const illegal = lengths.filter((length) => length < least || length > most)
    const headers = Array.from({ length: 256 }, (_, type) => {
      return (type === record ? illegal : [17, lengths[type % lengths.length]!]).map((length) => [type, length] as const)
    }).flat()
    for (const [type, length] of headers) {
      const state = make()
      const deaf = state.facts.closeReceived
      const { error, ...seen } = feed(state, Uint8Array.of(type, length >> 16, length >> 8, length))
      expect({ ...seen, error: error?.code }).toEqual({ events: [], output: 0, error: deaf ? undefined : 'FRAME' })
      expect(error && reasonOf(error)).toBeUndefined()
    }
  })
})
