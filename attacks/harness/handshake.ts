/**
 * The handshake once more, written from docs/PROTOCOL.md for attackers: it checks nothing, and every value on its way
 * can be twisted. That it meets the real programs is itself a check of the text.
 */
import type { Identity, PublicKey } from '@countersign/core'
import {
  type AeadKey,
  aeadKey,
  clientPayload,
  concat,
  decode,
  domainHash,
  encode,
  extract,
  frameHeader,
  type FrameName,
  hello,
  HELLO_START,
  helloAck,
  hmac,
  label,
  lengthPrefixed,
  NO_POSITION,
  open,
  type Position,
  proof,
  type Proof,
  random,
  seal,
  serverPayload,
  sessionKey,
  sessionKeyData,
  sha256,
  signatureContext,
  utf8,
  wrap,
  xwing,
} from '@countersign/core/protocol'
import { Line } from './line.ts'

/** Sees each value by its name in the protocol, and answers with what is used in its place. */
export type Twist = (name: string, value: Uint8Array) => Uint8Array

const straight: Twist = (_, value) => value
const nothing = new Uint8Array(0)

/** Replaces the one value of this name. */
export function at(name: string, change: (value: Uint8Array) => Uint8Array): Twist {
  return (seen, value) => (seen === name ? change(value) : value)
}

/** The same bytes with one bit flipped; counted from the end where `bit` is negative, and round again where they are too short. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = Uint8Array.from(bytes)
  const bits = bytes.length * 8
  const place = ((bit % bits) + bits) % bits
  changed[place >> 3]! ^= 1 << (place & 7)
  return changed
}

export function frame(name: FrameName, body: Uint8Array): Uint8Array {
  return concat(frameHeader(name, body.length), body)
}

function extend(before: Uint8Array, added: Uint8Array): Uint8Array {
  return sha256(before, lengthPrefixed(added))
}

export function gateOf(serverKeyId: Uint8Array, before: Uint8Array): Uint8Array {
  return hmac(domainHash('gate', serverKeyId), before)
}

/** A HELLO with a random and a gate of its own, by somebody who holds the server's public key and saves himself the rest. */
export function helloAnew(recorded: Uint8Array, serverKeyId: Uint8Array): Uint8Array {
  const before = concat(recorded.subarray(0, 12), random(32), recorded.subarray(44, -32))
  return concat(before, gateOf(serverKeyId, before))
}

interface Side {
  readonly aead: AeadKey
  readonly finished: Uint8Array
}

function sides(t2k: Uint8Array, ss: Uint8Array): { hs: Uint8Array; server: Side; client: Side } {
  const hs = extract(t2k, ss)
  const side = (name: string): Side => {
    const secret = label(hs, `${name} handshake`, t2k, 32)
    return { aead: aeadKey(secret), finished: label(secret, 'finished', nothing, 32) }
  }
  return { hs, server: side('server'), client: side('client') }
}

/** What a handshake leaves with an attacker. */
export interface Agreed {
  /** The traffic secrets, client's and server's. */
  readonly cAp: Uint8Array
  readonly sAp: Uint8Array
  /** Where the peer said that it stands. */
  readonly position: Position
  /** The frames in the order in which they crossed. */
  readonly frames: readonly Uint8Array[]
  /** The peer's payload: who it says it is. */
  readonly peer: { readonly keyId: Uint8Array; readonly outbox: Uint8Array }
  readonly journal: Uint8Array
  /** What the peer showed as its proof: payload, signature, mac, and plain, the whole of it. */
  readonly proof: Map<string, Uint8Array>
}

function shown(plain: Uint8Array): Map<string, Uint8Array> {
  return new Map(Object.entries({ ...decode(proof, plain), plain }))
}

/** The server refused, with this status. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  /** The whole frame as it came. */
  readonly frame: Uint8Array

  constructor(status: number, bytes: Uint8Array) {
    super(`refused with status ${status}`)
    this.status = status
    this.frame = bytes
  }
}

function traffic(master: Uint8Array, t4: Uint8Array): { cAp: Uint8Array; sAp: Uint8Array } {
  return { cAp: label(master, 'client traffic', t4, 32), sAp: label(master, 'server traffic', t4, 32) }
}

function masterOf(hs: Uint8Array, t3: Uint8Array, key: Uint8Array): Uint8Array {
  return extract(label(hs, 'derived', t3, 32), key)
}

function confirmationOf(master: Uint8Array, t3: Uint8Array, wrapped: Uint8Array, data: Uint8Array): Uint8Array {
  return hmac(label(master, 'confirm', t3, 32), sha256(t3, lengthPrefixed(wrapped, data)))
}

function seen(twist: Twist, encoded: Proof): Uint8Array {
  return twist('plain', encode(proof, encoded))
}

export interface RogueClient {
  readonly identity: Identity
  /** The key that it claims to have; its own where it is not said. */
  readonly claims?: PublicKey
  readonly server: PublicKey
  readonly twist?: Twist
  readonly outbox?: Uint8Array
  readonly position?: Position
  readonly maxItem?: number
  readonly receives?: boolean
  /** The ephemeral key pair's public half and what opens with it; a fresh one where it is not said. */
  readonly ephemeral?: ReturnType<typeof xwing.generate>
}

/** C1 to C6. @throws Refusal, Ended, Silence */
export async function rogueClient(line: Line, options: RogueClient): Promise<Agreed> {
  const { identity, claims = identity.publicKey, server, twist = straight, outbox = random(16) } = options
  const { position = NO_POSITION, maxItem = 2 ** 53, receives = true, ephemeral = xwing.generate() } = options
  // C1
  const fields = { ...HELLO_START, random: random(32), kemPublic: ephemeral.publicKey, gate: new Uint8Array(32) }
  const unsent = twist('hello', frame('HELLO', encode(hello, fields)))
  unsent.set(twist('gate', gateOf(server.id, unsent.subarray(0, -32))), unsent.length - 32)
  const helloFrame = twist('helloFrame', unsent)
  const t1 = domainHash('transcript', lengthPrefixed(helloFrame))
  line.write(helloFrame)
  // C2
  const answer = await line.frame()
  const { random: serverRandom, kemCiphertext, sealed } = decode(helloAck, answer.subarray(4))
  const t2k = extend(t1, concat(answer.subarray(0, 4), serverRandom, kemCiphertext))
  const keys = sides(t2k, ephemeral.decapsulate(kemCiphertext)!)
  // C3, without its checks
  const proved = shown(open(keys.server.aead, 0, answer.subarray(0, 4), sealed)!)
  const peer = decode(serverPayload, proved.get('payload')!)
  const t2 = extend(t2k, sealed)
  // C4
  const journal = random(16)
  const said = { keyId: claims.id, outbox, journal, position, maxItem, receives: receives ? 1 : 0 }
  const payload = twist('payload', encode(clientPayload, said))
  const tc = twist('tc', sha256(t2, server.id, lengthPrefixed(payload)))
  const signature = twist('signature', await identity.sign(concat(twist('context', signatureContext('client handshake')), tc)))
  const mac = twist('mac', hmac(keys.client.finished, extend(tc, signature)))
  const plain = seen(twist, { payload, signature, mac })
  const ack = twist('ack', frame('ACK', seal(keys.client.aead, 0, frameHeader('ACK'), plain)))
  const t3 = extend(t2, ack)
  line.write(ack)
  // C5
  const last = await line.frame()
  const opened = open(keys.server.aead, 1, last.subarray(0, 4), last.subarray(4))
  if (opened === undefined) throw new Error('SESSION-KEY does not open')
  if (opened[0] !== 0) throw new Refusal(opened[0]!, last)
  const { wrapped, data } = decode(sessionKey, opened)
  const there = decode(sessionKeyData, data)
  const key = identity.unwrap
    ? await identity.unwrap(wrapped, concat(utf8('countersign/1 session key'), t3))
    : Uint8Array.from(wrapped)
  // C6
  const t4 = extend(t3, last)
  const frames = [helloFrame, answer, ack, last]
  const secrets = traffic(masterOf(keys.hs, t3, key!), t4)
  return { ...secrets, position: there.position, frames, peer, journal: there.journal, proof: proved }
}

export interface RogueServer {
  readonly identity: Identity
  /** The key that it claims to have; its own where it is not said. */
  readonly claims?: PublicKey
  /** The client's key, to which it encrypts the session key where that is an RSA key. */
  readonly client: PublicKey
  readonly twist?: Twist
  readonly outbox?: Uint8Array
  readonly journal?: Uint8Array
  readonly position?: Position
  readonly maxItem?: number
}

/** S1 to S7, without the checks. @throws Ended, Silence */
export async function rogueServer(line: Line, options: RogueServer): Promise<Agreed> {
  const { identity, claims = identity.publicKey, client, twist = straight } = options
  const { outbox = random(16), journal = random(16), position = NO_POSITION, maxItem = 2 ** 53 } = options
  // S1
  const helloFrame = await line.frame()
  const { kemPublic } = decode(hello, helloFrame.subarray(4))
  const t1 = domainHash('transcript', lengthPrefixed(helloFrame))
  // S2
  const { ciphertext, sharedSecret } = xwing.encapsulate(kemPublic)!
  const kemCiphertext = twist('kemCiphertext', ciphertext)
  const serverRandom = random(32)
  const t2k = extend(t1, concat(frameHeader('HELLO+ACK'), serverRandom, kemCiphertext))
  const keys = sides(t2k, sharedSecret)
  // S3
  const payload = twist('payload', encode(serverPayload, { keyId: claims.id, outbox }))
  const ts = twist('ts', extend(t2k, payload))
  const signature = twist('signature', await identity.sign(concat(twist('context', signatureContext('server handshake')), ts)))
  const mac = twist('mac', hmac(keys.server.finished, extend(ts, signature)))
  const plain = seen(twist, { payload, signature, mac })
  const sealed = twist('sealed', seal(keys.server.aead, 0, frameHeader('HELLO+ACK'), plain))
  const answer = twist('helloAck', frame('HELLO+ACK', encode(helloAck, { random: serverRandom, kemCiphertext, sealed })))
  const t2 = extend(t2k, sealed)
  line.write(answer)
  // S4, S5
  const ack = await line.frame()
  const proved = shown(open(keys.client.aead, 0, ack.subarray(0, 4), ack.subarray(4))!)
  const peer = decode(clientPayload, proved.get('payload')!)
  const t3 = extend(t2, ack)
  // S6
  const fresh = twist('sessionKey', random(32))
  const oaepLabel = twist('label', concat(utf8('countersign/1 session key'), t3))
  const wrapped = twist('wrapped', client.algorithm === 'rsa' ? wrap(client, fresh, oaepLabel) : Uint8Array.from(fresh))
  const data = twist('data', encode(sessionKeyData, { journal, position, maxItem }))
  const master = masterOf(keys.hs, t3, fresh)
  const confirm = twist('confirm', confirmationOf(master, t3, wrapped, data))
  const keyPlain = twist('keyPlain', encode(sessionKey, { status: 0, wrapped, data, confirm }))
  const last = twist('keyFrame', frame('SESSION-KEY', seal(keys.server.aead, 1, frameHeader('SESSION-KEY'), keyPlain)))
  line.write(last)
  // S7
  const t4 = extend(t3, last)
  const frames = [helloFrame, answer, ack, last]
  return { ...traffic(master, t4), position: peer.position, frames, peer, journal: peer.journal, proof: proved }
}
