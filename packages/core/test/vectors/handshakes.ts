/** Whole handshakes, made by both sides of this package at once. */
import { concat, copy, hex } from '../../src/bytes.ts'
import { aeadKey, open } from '../../src/crypto/aead.ts'
import { domainHash, label } from '../../src/crypto/hash.ts'
import { type Kem, kemKeyPairFromParts, xwing } from '../../src/crypto/kem.ts'
import { signatureContext, wrap } from '../../src/crypto/signature.ts'
import type { Peer, Trust } from '../../src/handshake/step.ts'
import { HEADER_LENGTH } from '../../src/wire/frames.ts'
import { converse, HandshakeMachine, machines, type Parties } from '../harness/handshake.ts'
import { signer, signNow } from '../harness/signer.ts'
import { nonceOf } from '../reference/primitives.ts'
import type { Identities } from './identities.ts'
import { bytesOf, type HandshakeVector, hexed, type OpenedVector, type PositionVector } from './read.ts'
import { fixed, type Tape } from './tape.ts'

const NOTHING: PositionVector = { next: 1, offset: 0, digest: '00'.repeat(32) }

export interface HandshakePlan {
  readonly name: string
  /** Names of identities. */
  readonly client: string
  readonly server: string
  readonly clientPosition?: PositionVector
  readonly serverPosition?: PositionVector
  readonly clientMaxItem?: number
  readonly receives?: boolean
  /** Whose key signs for the client, where it is not the client's. */
  readonly signs?: string
  /** Further identities of the server. */
  readonly alsoServer?: readonly string[]
  /** What the server knows of the client; that it is trusted where it is not said. */
  readonly trusts?: (peer: Peer) => Trust
  /** The server can take no messages now. */
  readonly busy?: boolean
}

/** A handshake that has run, and all that was seen of it. */
export interface Run {
  readonly plan: HandshakePlan
  readonly client: HandshakeMachine
  readonly server: HandshakeMachine
  readonly kem: OpenedVector['kem']
  /** What both sides observed, by its name. */
  readonly seen: ReadonlyMap<string, Uint8Array>
  readonly clientSide: OpenedVector['client']
  readonly serverSide: OpenedVector['server']
}

function locate({ journal, position }: OpenedVector['server']) {
  return { journal: bytesOf(journal), position: { ...position, digest: bytesOf(position.digest) } }
}

export function runHandshake(tape: Tape, identities: Identities, plan: HandshakePlan): Run {
  const { name } = plan
  const [client, server] = [identities.get(plan.client)!, identities.get(plan.server)!]
  const seed = fixed(`${name} ML-KEM seed`, 64)
  const scalar = fixed(`${name} X25519 private key`, 32)
  let encapsulated: { ciphertext: Uint8Array; sharedSecret: Uint8Array } | undefined
  const kem: Kem = {
    generate: () => kemKeyPairFromParts(seed, scalar),
    encapsulate(publicKey) {
      const make = (): Uint8Array => {
        const { ciphertext, sharedSecret } = xwing.encapsulate(publicKey)!
        return concat(ciphertext, sharedSecret)
      }
      const taken = tape.take(`${name}: X-Wing ciphertext and shared secret`, make)
      encapsulated = { ciphertext: taken.subarray(0, -32), sharedSecret: taken.subarray(-32) }
      // The handshake overwrites its copy.
      return { ...encapsulated, sharedSecret: copy(encapsulated.sharedSecret) }
    },
  }
  const entropy = (role: string): NonNullable<NonNullable<Parties['client']>['entropy']> => {
    let drawn = 0
    return {
      random: (length) => fixed(`${name} ${role} random ${++drawn}`, length),
      kem,
      wrap: (publicKey, secret, context) => tape.take(`${name}: wrapped session key`, () => wrap(publicKey, secret, context)),
    }
  }
  const seen = new Map<string, Uint8Array>()
  const observe = (what: string, value: Uint8Array): void => {
    const before = seen.get(what)
    if (before && hex(before) !== hex(value)) throw new Error(`${name}: the sides differ in ${what}`)
    seen.set(what, copy(value))
  }
  const clientSide: OpenedVector['client'] = {
    identity: plan.client,
    outbox: hex(fixed(`${name} client outbox`, 16)),
    journal: hex(fixed(`${name} client journal`, 16)),
    position: plan.clientPosition ?? NOTHING,
    maxItem: plan.clientMaxItem ?? 2 ** 53,
    receives: plan.receives ?? true,
  }
  const serverSide: OpenedVector['server'] = {
    identity: plan.server,
    outbox: hex(fixed(`${name} server outbox`, 16)),
    journal: hex(fixed(`${name} server journal`, 16)),
    position: plan.serverPosition ?? NOTHING,
    maxItem: 16 * 1024 * 1024,
  }
  const signing = identities.get(plan.signs ?? plan.client)!
  const both = machines({
    client: {
      identity: signer(client, (message) => tape.take(`${name}: client's signature`, () => signNow(signing, message))),
      peer: { keys: [server.publicKey] },
      outbox: bytesOf(clientSide.outbox),
      maxItem: clientSide.maxItem,
      receives: clientSide.receives,
      entropy: entropy('client'),
      observe,
    },
    server: {
      identities: [
        ...(plan.alsoServer ?? []).map((also) => signer(identities.get(also)!)),
        signer(server, (message) => tape.take(`${name}: server's signature`, () => signNow(server, message))),
      ],
      outbox: bytesOf(serverSide.outbox),
      maxItem: serverSide.maxItem,
      entropy: entropy('server'),
      observe,
    },
    clientKnows: { locate: () => locate(clientSide) },
    serverKnows: {
      trust: () => (plan.trusts ?? ((peer) => ({ peer })))({ keys: [client.publicKey] }),
      locate: () => (plan.busy ? undefined : locate(serverSide)),
    },
  })
  converse(both)
  const parts = { mlkemSeed: seed, x25519Private: scalar, publicKey: kem.generate().publicKey }
  return { plan, ...both, kem: hexed({ ...parts, ...encapsulated! }), seen, clientSide, serverSide }
}

function keysOf(secret: Uint8Array) {
  const empty = new Uint8Array(0)
  return { secret, key: label(secret, 'key', empty, 32), iv: label(secret, 'iv', empty, 12) }
}

function handshakeKeysOf(secret: Uint8Array) {
  return { ...keysOf(secret), finished: label(secret, 'finished', new Uint8Array(0), 32) }
}

/** What a frame seals, opened, without the zeros behind it. */
export function plaintextOf(secret: Uint8Array, seq: number, frame: Uint8Array, sealedAt: number, length: number): Uint8Array {
  const opened = open(aeadKey(secret), seq, frame.subarray(0, HEADER_LENGTH), frame.subarray(sealedAt))
  if (opened === undefined) throw new Error('a frame of our own does not open')
  return opened.subarray(0, length)
}

/** payload, signature and MAC of a proof: LP(payload) || LP(signature) || mac */
function proofOf(plaintext: Uint8Array) {
  let at = 0
  const take = (length: number): Uint8Array => plaintext.subarray(at, (at += length))
  const next = (): Uint8Array => take(Buffer.from(take(4)).readUInt32BE())
  return { payload: next(), signature: next(), mac: take(32), plaintext: plaintext.subarray(0, at) }
}

/** Everything up to ACK, which a refusal has too. */
export function openedVector({ plan, client, server, kem, seen, clientSide, serverSide }: Run): OpenedVector {
  const [hello, ack] = client.sent as [Uint8Array, Uint8Array]
  const helloAck = server.sent[0]!
  const value = (name: string): Uint8Array => seen.get(name)!
  const [sHs, cHs] = [handshakeKeysOf(value('sHs')), handshakeKeysOf(value('cHs'))]
  const serverProof = proofOf(plaintextOf(sHs.secret, 0, helloAck, 4 + 32 + 1120, 4096))
  const clientProof = proofOf(plaintextOf(cHs.secret, 0, ack, 4, 4096))
  return {
    name: plan.name,
    client: clientSide,
    server: serverSide,
    kem,
    HELLO: hexed({
      random: hello.subarray(12, 44),
      gateKey: domainHash('gate', serverProof.payload.subarray(0, 32)),
      gate: hello.subarray(-32),
      frame: hello,
      t1: value('t1'),
    }),
    'HELLO+ACK': hexed({
      random: helloAck.subarray(4, 36),
      t2k: value('t2k'),
      hs: value('hs'),
      sHs,
      cHs,
      ts: value('ts'),
      signed: concat(signatureContext('server handshake'), value('ts')),
      ...serverProof,
      nonce: nonceOf(sHs.iv, 0),
      frame: helloAck,
      t2: value('t2'),
    }),
    ACK: hexed({
      tc: value('tc'),
      signed: concat(signatureContext('client handshake'), value('tc')),
      ...clientProof,
      nonce: nonceOf(cHs.iv, 0),
      frame: ack,
      t3: value('t3'),
    }),
  }
}

function handshakeVector(run: Run): HandshakeVector {
  const { client, server, seen, plan } = run
  if (!client.established || !server.established) throw new Error(`${plan.name}: ${client.outcome}, ${server.outcome}`)
  const value = (name: string): Uint8Array => seen.get(name)!
  const [frame] = server.sent.slice(1) as [Uint8Array]
  const { iv } = keysOf(value('sHs'))
  const opened = plaintextOf(value('sHs'), 1, frame, 4, 1024)
  const wrapped = Buffer.from(opened).readUInt32BE(1)
  const plaintext = opened.subarray(0, 1 + 4 + wrapped + 4 + 72 + 32)
  return {
    ...openedVector(run),
    'SESSION-KEY': hexed({
      sessionKey: value('sessionKey'),
      wrapped: plaintext.subarray(5, 5 + wrapped),
      data: plaintext.subarray(-104, -32),
      salt: label(value('hs'), 'derived', value('t3'), 32),
      master: value('master'),
      confirmKey: label(value('master'), 'confirm', value('t3'), 32),
      confirm: plaintext.subarray(-32),
      nonce: nonceOf(iv, 1),
      plaintext,
      frame,
      t4: value('t4'),
    }),
    traffic: hexed({ cAp: keysOf(value('cAp')), sAp: keysOf(value('sAp')), sessionId: value('sessionId') }),
  }
}

const POSITIONS: readonly PositionVector[] = [
  NOTHING,
  { next: 8, offset: 1_048_576, digest: hex(fixed('a digest', 32)) },
  { next: 2 ** 53, offset: 0, digest: '00'.repeat(32) },
]

/** All pairings of the identities' algorithms. */
export function makeHandshakes(tape: Tape, identities: Identities): HandshakeVector[] {
  const clients = [...identities.keys()].filter((name) => name.startsWith('client'))
  const servers = [...identities.keys()].filter((name) => name.startsWith('server'))
  const pairs = clients.flatMap((client) => servers.map((server) => ({ client, server })))
  return pairs.map(({ client, server }, i) => {
    const clientPosition = POSITIONS[i % 3]!
    const serverPosition = POSITIONS[Math.floor(i / 3) % 3]!
    const varied = { clientPosition, serverPosition, receives: i % 2 === 0, clientMaxItem: i % 2 === 0 ? 2 ** 53 : 65_536 }
    return handshakeVector(runHandshake(tape, identities, { name: `${client}, ${server}`, client, server, ...varied }))
  })
}
