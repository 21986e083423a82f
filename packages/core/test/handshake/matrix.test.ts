import { describe, expect, test } from 'vitest'
import { concat } from '../../src/bytes.ts'
import { random } from '../../src/crypto/hash.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { type FrameName, FRAMES } from '../../src/wire/frames.ts'
import { type HandshakeMachine, type Machines, machines } from '../harness/handshake.ts'
import { freshSigner } from '../harness/signer.ts'

const client = freshSigner()
const server = freshSigner()

/** A side that waits for a frame, and that frame as its peer has really made it. */
interface State {
  readonly machine: HandshakeMachine
  readonly due: FrameName
  readonly genuine: Uint8Array
  /** Every frame of this handshake so far, the genuine one among them. */
  readonly frames: readonly Uint8Array[]
}

function fresh(): Machines {
  return machines({ client: { identity: client }, server: { identities: [server] } })
}

const STATES: Readonly<Record<string, () => State>> = {
  'a server that waits for HELLO': () => {
    const both = fresh()
    const [genuine] = both.client.sent as [Uint8Array]
    return { machine: both.server, due: 'HELLO', genuine, frames: [genuine] }
  },
  'a client that waits for HELLO+ACK': () => {
    const both = fresh()
    both.server.feed(both.client.sent[0]!)
    const [genuine] = both.server.sent as [Uint8Array]
    return { machine: both.client, due: 'HELLO+ACK', genuine, frames: [...both.client.sent, genuine] }
  },
  'a server that waits for ACK': () => {
    const both = fresh()
    both.server.feed(both.client.sent[0]!)
    both.client.feed(both.server.sent[0]!)
    const genuine = both.client.sent[1]!
    return { machine: both.server, due: 'ACK', genuine, frames: [...both.client.sent, ...both.server.sent] }
  },
  'a client that waits for SESSION-KEY': () => {
    const both = fresh()
    both.server.feed(both.client.sent[0]!)
    both.client.feed(both.server.sent[0]!)
    both.server.feed(both.client.sent[1]!)
    const genuine = both.server.sent[1]!
    return { machine: both.client, due: 'SESSION-KEY', genuine, frames: [...both.client.sent, ...both.server.sent] }
  },
}

const TYPES = [0, 1, 2, 3, 4, 5, 6, 0x7f, 0x80, 0xff]
const LEGAL = Object.values(FRAMES).flatMap(({ least, most }) => [least, most])
const LENGTHS = [...new Set([0, 1, 16, ...LEGAL.flatMap((length) => [length - 1, length, length + 1]), 2 ** 16, 2 ** 24 - 1])]

function headerOf(type: number, length: number): Uint8Array {
  return Uint8Array.of(type, length >> 16, length >> 8, length)
}

/** How a state ends by what is wrong with a header, and by what is wrong behind it. */
function endOf(due: FrameName, wrong: 'header' | 'body'): ErrorCode {
  if (due === 'HELLO') return 'HELLO_REJECTED'
  return wrong === 'header' ? 'FRAME' : 'NOT_AUTHENTIC'
}

/** Feeds bytes to a state, and then more: nothing may be sent, and nothing may change its end. */
function fate(state: State, ...bytes: readonly Uint8Array[]): { readonly outcome: string; readonly sent: number } {
  const { machine, genuine } = state
  const before = machine.sent.length
  for (const chunk of bytes) machine.feed(chunk)
  const { outcome } = machine
  machine.feed(genuine)
  machine.feed(new Uint8Array(6000))
  expect(machine.outcome).toBe(outcome)
  return { outcome, sent: machine.sent.length - before }
}

describe.each(Object.keys(STATES))('%s', (name) => {
  const make = STATES[name]!
  const { due } = make()
  const { type: dueType, least } = FRAMES[due]

  test('goes on with the genuine frame', () => {
    const { machine, genuine } = make()
    const before = machine.sent.length
    machine.feed(genuine)
    const last = due === 'ACK' || due === 'SESSION-KEY'
    expect(machine.outcome).toBe(last ? 'established' : 'waiting')
    expect(machine.sent.length - before).toBe(due === 'SESSION-KEY' ? 0 : 1)
  })

  test.each(TYPES)(`ends by the header alone where type %i or its length is not the one that is due`, (type) => {
    const wrong = LENGTHS.filter((length) => type !== dueType || length !== least)
    const fates = wrong.map((length) => fate(make(), headerOf(type, length)))
    expect(fates).toEqual(wrong.map(() => ({ outcome: endOf(due, 'header'), sent: 0 })))
    expect(wrong.length).toBe(LENGTHS.length - (type === dueType ? 1 : 0))
  })

  test('waits on behind the right header, and sends nothing', () => {
    const { machine } = make()
    const before = machine.sent.length
    machine.feed(headerOf(dueType, least))
    expect([machine.outcome, machine.sent.length - before, machine.asked.at(-1)]).toEqual(['waiting', 0, least])
  })

  test.each([
    ['zeros', () => new Uint8Array(least)],
    ['ones', () => new Uint8Array(least).fill(0xff)],
    ['noise', () => random(least)],
  ])('ends by a body of %s behind the right header', (_, body) => {
    expect(fate(make(), headerOf(dueType, least), body())).toEqual({ outcome: endOf(due, 'body'), sent: 0 })
  })

  test('ends by every other frame of the same handshake, sent to it or by it', () => {
    const { frames, genuine } = make()
    const others = frames.map((_, i) => i).filter((i) => frames[i] !== genuine)
    for (const i of others) {
      const state = make()
      expect(fate(state, state.frames[i]!)).toEqual({ outcome: endOf(due, 'header'), sent: 0 })
    }
    expect(others.length).toBe(frames.length - 1)
  })

  test('ends by the genuine frame with any bit of it changed', () => {
    const { genuine } = make()
    // All of the header, then some of every part; everything where there is time.
    const step = process.env['TEST_FULL'] === undefined ? 41 : 1
    const places = Array.from({ length: genuine.length }, (_, at) => at).filter(
      (at) => at < 12 || at % step === 0 || at > genuine.length - 4,
    )
    const fates = places.map((at) => {
      const state = make()
      const changed = state.genuine.with(at, state.genuine[at]! ^ (1 << (at % 8)))
      return { at, ...fate(state, changed) }
    })
    expect(fates).toEqual(places.map((at) => ({ at, outcome: endOf(due, at < 4 ? 'header' : 'body'), sent: 0 })))
  })

  test('ends by the same frame of another handshake, unless that is a HELLO', () => {
    const { machine } = make()
    const before = machine.sent.length
    machine.feed(make().genuine)
    // A recorded HELLO may be played again: it finds the server, and costs it one handshake.
    const expected = due === 'HELLO' ? ['waiting', 1] : ['NOT_AUTHENTIC', 0]
    expect([machine.outcome, machine.sent.length - before]).toEqual(expected)
  })

  test('ends by the genuine frame twice', () => {
    const state = make()
    const { machine, genuine } = state
    machine.feed(concat(genuine, genuine))
    // The last frame of a side is followed by records: what comes behind it is the session's.
    const last = due === 'ACK' || due === 'SESSION-KEY'
    expect(machine.outcome).toBe(last ? 'established' : 'FRAME')
    expect(machine.rest.length).toBe(last ? genuine.length : genuine.length - 4)
  })

  test('is cut by an end of the stream before and inside the frame', () => {
    for (const length of [0, 1, 4, 5, least + 3]) {
      const { machine, genuine } = make()
      machine.feed(genuine.subarray(0, length))
      machine.end()
      expect(machine.outcome).toBe('TRUNCATED')
    }
  })
})

test('a server whose gate does not hold asks for no byte more, and never sends one', () => {
  const { machine, genuine } = STATES['a server that waits for HELLO']!()
  machine.feed(genuine.with(genuine.length - 1, genuine.at(-1)! ^ 1))
  expect([machine.outcome, machine.sent.length, machine.asked]).toEqual(['HELLO_REJECTED', 0, [4, 1288]])
})
