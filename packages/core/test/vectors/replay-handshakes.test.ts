import { describe, expect, test } from 'vitest'
import { concat, copy, hex } from '../../src/bytes.ts'
import { readPrivateKey } from '../../src/crypto/keys.ts'
import type { Identity } from '../../src/crypto/signature.ts'
import type { ErrorCode } from '../../src/errors.ts'
import { clientHandshake } from '../../src/handshake/client.ts'
import { serverHandshake } from '../../src/handshake/server.ts'
import type { Entropy, Location, Peer, Trust } from '../../src/handshake/step.ts'
import { HandshakeMachine } from '../harness/handshake.ts'
import { signer } from '../harness/signer.ts'
import { bytesOf, type HandshakeVector, type OpenedVector, read, type RefusalVector, type RoleVector } from './read.ts'

const { identities } = read('identities.json')
const { handshakes } = read('handshakes.json')
const { refusals } = read('refusals.json')

type Any = HandshakeVector | RefusalVector

const keys = new Map(Object.entries(identities).map(([name, { privateKey }]) => [name, readPrivateKey(privateKey)]))

/** Signs what the vector says is signed, with the signature that the vector has. */
function replaying(name: string, { signed, signature }: { signed: string; signature: string }): Identity {
  return signer(keys.get(name)!, (message) => {
    expect(hex(message)).toBe(signed)
    return bytesOf(signature)
  })
}

function entropyOf(vector: Any, ...drawn: readonly string[]): Entropy {
  const { kem } = vector
  const left = [...drawn]
  return {
    random: () => bytesOf(left.shift() ?? '00'.repeat(32)),
    wrap: () => bytesOf('wrapped' in vector['SESSION-KEY'] ? vector['SESSION-KEY'].wrapped : ''),
    kem: {
      generate: () => ({
        publicKey: bytesOf(kem.publicKey),
        decapsulate: (ciphertext) => (hex(ciphertext) === kem.ciphertext ? bytesOf(kem.sharedSecret) : undefined),
      }),
      encapsulate: (publicKey) => {
        expect(hex(publicKey)).toBe(kem.publicKey)
        return { ciphertext: bytesOf(kem.ciphertext), sharedSecret: bytesOf(kem.sharedSecret) }
      },
    },
  }
}

function locationOf({ journal, position }: OpenedVector['server']): Location {
  return { journal: bytesOf(journal), position: { ...position, digest: bytesOf(position.digest) } }
}

type Observed = Map<string, string>

function clientOf(vector: Any, observed: Observed = new Map()): HandshakeMachine {
  const { client, server } = vector
  const steps = clientHandshake({
    identity: replaying(client.identity, vector.ACK),
    peer: { keys: [keys.get(server.identity)!.publicKey] },
    outbox: bytesOf(client.outbox),
    maxItem: client.maxItem,
    receives: client.receives,
    entropy: entropyOf(vector, vector.HELLO.random),
    observe: (name, value) => observed.set(name, hex(copy(value))),
  })
  return new HandshakeMachine(steps, { trust: () => undefined, locate: () => locationOf(client) })
}

function trustOf({ client, ...vector }: Any): Trust {
  const peer: Peer = { keys: [keys.get(client.identity)!.publicKey] }
  const why = 'why' in vector ? vector.why : undefined
  if (why === 'unknown') return undefined
  return why === 'revoked' ? { revoked: peer.keys[0]! } : { peer }
}

function serverOf(vector: Any, observed: Observed = new Map()): HandshakeMachine {
  const { server } = vector
  const last = vector['SESSION-KEY']
  const identity = replaying(server.identity, vector['HELLO+ACK'])
  const why = 'why' in vector ? vector.why : undefined
  const steps = serverHandshake({
    identities: why === 'own key' ? [identity, signer(keys.get(vector.client.identity)!)] : [identity],
    outbox: bytesOf(server.outbox),
    maxItem: server.maxItem,
    entropy: entropyOf(vector, vector['HELLO+ACK'].random, 'sessionKey' in last ? last.sessionKey : ''),
    observe: (name, value) => observed.set(name, hex(copy(value))),
  })
  return new HandshakeMachine(steps, {
    trust: () => trustOf(vector),
    locate: () => (why === 'busy' ? undefined : locationOf(server)),
  })
}

/** One role's side of a vector: its machine, what it is fed, what it must write, and how it must end. */
interface Replay {
  readonly machine: () => HandshakeMachine
  readonly fed: readonly Uint8Array[]
  /** What it has written once so many whole frames have come. */
  readonly writes: readonly (readonly string[])[]
  readonly end: 'established' | ErrorCode
}

const ENDS: Readonly<Record<RefusalVector['why'], ErrorCode>> = {
  unknown: 'UNTRUSTED',
  'wrong signature': 'UNTRUSTED',
  revoked: 'REVOKED',
  busy: 'BUSY',
  'own key': 'OWN_KEY',
  'later version': 'REFUSED',
}

function replayOf(role: RoleVector, vector: Any): Replay {
  const frames = { hello: vector.HELLO.frame, ack: vector.ACK.frame }
  const [answer, last] = [vector['HELLO+ACK'].frame, vector['SESSION-KEY'].frame]
  const end = 'why' in vector ? ENDS[vector.why] : 'established'
  if (role === 'client') {
    const both = [frames.hello, frames.ack]
    return { machine: () => clientOf(vector), fed: [answer, last].map(bytesOf), writes: [[frames.hello], both, both], end }
  }
  return {
    machine: () => serverOf(vector),
    fed: [frames.hello, frames.ack].map(bytesOf),
    writes: [[], [answer], [answer, last]],
    end,
  }
}

/** The server of this version never refuses like a later one. */
const cases = [...handshakes, ...refusals]
  .flatMap((vector) => (['client', 'server'] as const).map((role) => ({ name: vector.name, role, vector })))
  .filter(({ vector, role }) => !('why' in vector && vector.why === 'later version' && role === 'server'))

describe.each(cases)('$name, as $role', ({ role, vector }) => {
  const { machine, fed, writes, end } = replayOf(role, vector)
  const stream = concat(...fed)

  test('fed whole frames, writes the same bytes and ends the same', () => {
    const replay = machine()
    expect(replay.sent.map(hex)).toEqual(writes[0])
    for (const [i, frame] of fed.entries()) {
      expect(replay.outcome).toBe('waiting')
      replay.feed(frame)
      expect(replay.sent.map(hex)).toEqual(writes[i + 1])
    }
    expect(replay.outcome).toBe(end)
  })

  test('fed everything at once, with bytes of the session behind it, does the same and leaves those bytes', () => {
    const replay = machine()
    replay.feed(concat(stream, Uint8Array.of(1, 2, 3)))
    expect(replay.sent.map(hex)).toEqual(writes.at(-1))
    expect(replay.outcome).toBe(end)
    expect(hex(replay.rest)).toBe('010203')
  })

  test('fed byte by byte, waits for more at every offset and writes nothing before its time', () => {
    const replay = machine()
    const wrong: number[] = []
    for (let at = 0; at < stream.length; at++) {
      const frames = at < fed[0]!.length ? 0 : 1
      if (replay.outcome !== 'waiting' || replay.sent.length !== writes[frames]!.length) wrong.push(at)
      replay.feed(stream.subarray(at, at + 1))
    }
    expect(wrong).toEqual([])
    expect(replay.sent.map(hex)).toEqual(writes.at(-1))
    expect(replay.outcome).toBe(end)
  })

  test('asks for the four bytes of a header, then for its body, and for nothing else', () => {
    const replay = machine()
    replay.feed(stream)
    expect(replay.asked).toEqual(fed.flatMap((frame) => [4, frame.length - 4]))
  })

  test('whose stream ends before its last byte is truncated', () => {
    const [first] = fed
    for (const length of [0, 1, 3, 4, 5, first!.length - 1, first!.length, first!.length + 4, stream.length - 1]) {
      const replay = machine()
      replay.feed(stream.subarray(0, length))
      replay.end()
      expect(replay.outcome, `${length} bytes`).toBe('TRUNCATED')
    }
  })
})

describe.each(handshakes)('$name', (vector) => {
  test('both sides see the same intermediate values, and agree on what they announced', () => {
    const ack = vector['HELLO+ACK']
    const last = vector['SESSION-KEY']
    const values = {
      t1: vector.HELLO.t1,
      t2k: ack.t2k,
      ss: vector.kem.sharedSecret,
      hs: ack.hs,
      sHs: ack.sHs.secret,
      cHs: ack.cHs.secret,
      ts: ack.ts,
      t2: ack.t2,
      tc: vector.ACK.tc,
      t3: vector.ACK.t3,
      sessionKey: last.sessionKey,
      master: last.master,
      t4: last.t4,
      cAp: vector.traffic.cAp.secret,
      sAp: vector.traffic.sAp.secret,
      sessionId: vector.traffic.sessionId,
    }
    const seen = { client: new Map<string, string>(), server: new Map<string, string>() }
    const client = clientOf(vector, seen.client)
    const server = serverOf(vector, seen.server)
    client.feed(concat(bytesOf(ack.frame), bytesOf(last.frame)))
    server.feed(concat(bytesOf(vector.HELLO.frame), bytesOf(vector.ACK.frame)))
    expect(Object.fromEntries(seen.client)).toEqual(values)
    expect(Object.fromEntries(seen.server)).toEqual(values)
    const here = client.established!
    const there = server.established!
    expect(hex(here.peer.key.id)).toBe(identities[vector.server.identity]!.keyId)
    expect(hex(there.peer.key.id)).toBe(identities[vector.client.identity]!.keyId)
    expect({ ...here.position, digest: hex(here.position.digest) }).toEqual(vector.server.position)
    expect({ ...there.position, digest: hex(there.position.digest) }).toEqual(vector.client.position)
    expect([here.maxItem, there.maxItem]).toEqual([vector.server.maxItem, vector.client.maxItem])
    expect([here.mayReceive, there.maySend]).toEqual([vector.client.receives, vector.client.receives])
    expect([hex(here.peerOutbox), hex(there.peerOutbox)]).toEqual([vector.server.outbox, vector.client.outbox])
    expect([hex(here.peerJournal), hex(there.peerJournal)]).toEqual([vector.server.journal, vector.client.journal])
  })
})
