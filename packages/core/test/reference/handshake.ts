/** The handshake's transcripts, keys and frames, from the protocol's sections 3 to 6. */
import {
  type Bytes,
  cat,
  domain,
  extract,
  hash,
  hmac,
  keyOf,
  label,
  lp,
  nonceOf,
  seal,
  signatureContext,
  uint,
  zeroPadded,
} from './primitives.ts'

export function frame(type: number, body: Bytes): Buffer {
  return cat(uint(1, type), uint(3, body.length), body)
}

/** Where a side stands at the other's outbox. */
export interface Position {
  readonly next: number
  readonly offset: number
  readonly digest: Bytes
}

function position({ next, offset, digest }: Position): Buffer {
  return cat(uint(8, next), uint(8, offset), digest)
}

export interface Hello {
  readonly gateKey: Buffer
  readonly gate: Buffer
  readonly frame: Buffer
  readonly t1: Buffer
}

export function helloOf(serverKeyId: Bytes, random: Bytes, kemPublic: Bytes): Hello {
  const header = cat(uint(1, 1), uint(3, 1288))
  const before = cat(header, 'CSGN', uint(1, 1), uint(3, 0), random, kemPublic)
  const gateKey = domain('gate', serverKeyId)
  const gate = hmac(gateKey, before)
  const hello = cat(before, gate)
  return { gateKey, gate, frame: hello, t1: domain('transcript', lp(hello)) }
}

/** A handshake secret and what is derived of it. */
export interface Keys {
  readonly secret: Buffer
  readonly key: Buffer
  readonly iv: Buffer
  readonly finished: Buffer
}

function keysOf(secret: Bytes): Keys {
  return { secret: Buffer.from(secret), ...keyOf(secret), finished: label(secret, 'finished', '', 32) }
}

/** What both identities do alike: sign a transcript, add the MAC; the plaintext is sealed with zeros behind it. */
export interface Proof {
  readonly signed: Buffer
  readonly mac: Buffer
  readonly plaintext: Buffer
}

function prove(context: string, transcript: Bytes, finished: Bytes, payload: Bytes, signature: Bytes): Proof {
  const mac = hmac(finished, hash(transcript, lp(signature)))
  return { signed: cat(signatureContext(context), transcript), mac, plaintext: cat(lp(payload), lp(signature), mac) }
}

export interface ServerSide {
  readonly random: Bytes
  readonly ciphertext: Bytes
  readonly sharedSecret: Bytes
  readonly keyId: Bytes
  readonly outbox: Bytes
  readonly signature: Bytes
}

export interface HelloAck extends Proof {
  readonly t2k: Buffer
  readonly hs: Buffer
  readonly sHs: Keys
  readonly cHs: Keys
  readonly payload: Buffer
  readonly ts: Buffer
  readonly nonce: Buffer
  readonly frame: Buffer
  readonly t2: Buffer
}

export function helloAckOf(t1: Bytes, server: ServerSide): HelloAck {
  const { random, ciphertext, sharedSecret, keyId, outbox, signature } = server
  const header = cat(uint(1, 2), uint(3, 5264))
  const t2k = hash(t1, lp(cat(header, random, ciphertext)))
  const hs = extract(t2k, sharedSecret)
  const sHs = keysOf(label(hs, 'server handshake', t2k, 32))
  const cHs = keysOf(label(hs, 'client handshake', t2k, 32))
  const payload = cat(keyId, outbox)
  const ts = hash(t2k, lp(payload))
  const proof = prove('server handshake', ts, sHs.finished, payload, signature)
  const sealed = seal(sHs.secret, 0, header, zeroPadded(proof.plaintext, 4096))
  const all = { t2k, hs, sHs, cHs, payload, ts, ...proof, nonce: nonceOf(sHs.iv, 0) }
  return { ...all, frame: frame(2, cat(random, ciphertext, sealed)), t2: hash(t2k, lp(sealed)) }
}

export interface ClientSide {
  readonly serverKeyId: Bytes
  readonly keyId: Bytes
  readonly outbox: Bytes
  readonly journal: Bytes
  readonly position: Position
  readonly maxItem: number
  readonly receives: boolean
  readonly signature: Bytes
}

export interface Ack extends Proof {
  readonly payload: Buffer
  readonly tc: Buffer
  readonly nonce: Buffer
  readonly frame: Buffer
  readonly t3: Buffer
}

export function ackOf(t2: Bytes, cHs: Keys, client: ClientSide): Ack {
  const { serverKeyId, keyId, outbox, journal, maxItem, receives, signature } = client
  const payload = cat(keyId, outbox, journal, position(client.position), uint(8, maxItem), uint(1, receives ? 1 : 0))
  const tc = hash(t2, serverKeyId, lp(payload))
  const proof = prove('client handshake', tc, cHs.finished, payload, signature)
  const ack = frame(3, seal(cHs.secret, 0, cat(uint(1, 3), uint(3, 4112)), zeroPadded(proof.plaintext, 4096)))
  return { payload, tc, ...proof, nonce: nonceOf(cHs.iv, 0), frame: ack, t3: hash(t2, lp(ack)) }
}

const sessionKeyHeader = cat(uint(1, 4), uint(3, 1040))

export interface SessionKeySide {
  readonly sessionKey: Bytes
  readonly wrapped: Bytes
  readonly journal: Bytes
  readonly position: Position
  readonly maxItem: number
}

export interface SessionKey {
  readonly data: Buffer
  readonly salt: Buffer
  readonly master: Buffer
  readonly confirmKey: Buffer
  readonly confirm: Buffer
  readonly nonce: Buffer
  readonly plaintext: Buffer
  readonly frame: Buffer
  readonly t4: Buffer
}

export function sessionKeyOf(t3: Bytes, hs: Bytes, sHs: Keys, given: SessionKeySide): SessionKey {
  const { sessionKey, wrapped, journal, maxItem } = given
  const data = cat(journal, position(given.position), uint(8, maxItem))
  const salt = label(hs, 'derived', t3, 32)
  const master = extract(salt, sessionKey)
  const confirmKey = label(master, 'confirm', t3, 32)
  const confirm = hmac(confirmKey, hash(t3, lp(wrapped), lp(data)))
  const plaintext = cat(uint(1, 0), lp(wrapped), lp(data), confirm)
  const last = frame(4, seal(sHs.secret, 1, sessionKeyHeader, zeroPadded(plaintext, 1024)))
  const t4 = hash(t3, lp(last))
  return { data, salt, master, confirmKey, confirm, nonce: nonceOf(sHs.iv, 1), plaintext, frame: last, t4 }
}

export function oaepLabel(t3: Bytes): Buffer {
  return cat('countersign/1 session key', t3)
}

export type Refusal = Pick<SessionKey, 'nonce' | 'plaintext' | 'frame'>

export function refusalOf(sHs: Keys, status: number, text: string): Refusal {
  const plaintext = cat(uint(1, status), lp(Buffer.from(text)))
  const refused = frame(4, seal(sHs.secret, 1, sessionKeyHeader, zeroPadded(plaintext, 1024)))
  return { nonce: nonceOf(sHs.iv, 1), plaintext, frame: refused }
}

export type TrafficKeys = Omit<Keys, 'finished'>

function trafficOf(secret: Bytes): TrafficKeys {
  return { secret: Buffer.from(secret), ...keyOf(secret) }
}

export interface Traffic {
  readonly cAp: TrafficKeys
  readonly sAp: TrafficKeys
  readonly sessionId: Buffer
}

export function trafficSecretsOf(master: Bytes, t4: Bytes): Traffic {
  return {
    cAp: trafficOf(label(master, 'client traffic', t4, 32)),
    sAp: trafficOf(label(master, 'server traffic', t4, 32)),
    sessionId: domain('session id', t4),
  }
}
