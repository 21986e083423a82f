/**
 * What a handshake asks of whoever drives it: bytes, signatures and knowledge, never a socket, a clock or a store.
 *
 * A handshake is a synchronous generator. Its locals are its state; it cannot be re-entered; `finally` wipes.
 */
import { concat } from '../bytes.ts'
import { random } from '../crypto/hash.ts'
import { type Kem, xwing } from '../crypto/kem.ts'
import type { PublicKey } from '../crypto/keys.ts'
import { type Identity, wrap } from '../crypto/signature.ts'
import { bodyLength, type FrameName, frameHeader, HEADER_LENGTH, type Position } from '../wire/frames.ts'

/** A pinned peer: one key, or those of one accepted chain of rotations, oldest first. */
export interface Peer {
  readonly name?: string
  readonly keys: readonly PublicKey[]
}

/** What a look-up knows of a keyId: a trusted peer, a revoked key, or nothing. */
export type Trust = { readonly peer: Peer } | { readonly revoked: PublicKey } | undefined

/** Where this side stands at the peer's outbox; undefined where it can take no messages now. */
export type Location = { readonly journal: Uint8Array; readonly position: Position } | undefined

/** One request of a handshake; the comment says what its answer is. */
export type Step =
  /** Whole frames to write. No answer. */
  | { readonly send: Uint8Array }
  /** Exactly this many bytes of the peer's. */
  | { readonly need: number }
  /** A signature by this identity. */
  | { readonly sign: Uint8Array; readonly as: Identity }
  /** What RSA-OAEP wrapped for this identity, or undefined. */
  | { readonly unwrap: Uint8Array; readonly label: Uint8Array; readonly as: Identity }
  /** What is known of a keyId: Trust. */
  | { readonly trust: Uint8Array }
  /** Where this side stands at an outbox of a peer: Location. */
  | { readonly locate: Uint8Array; readonly peer: Peer }

/** A handshake or a part of one: it yields what it asks for, and is given the answer by `next`. */
export type Steps<R> = Generator<Step, R, unknown>

/** Asks for a frame to be written. */
export function* send(frame: Uint8Array): Steps<void> {
  yield { send: frame }
}

/** Asks for a signature. */
export function* sign(as: Identity, message: Uint8Array): Steps<Uint8Array> {
  return (yield { sign: message, as }) as Uint8Array
}

/** Asks for what RSA-OAEP wrapped; undefined where it does not unwrap. */
export function* unwrapKey(as: Identity, wrapped: Uint8Array, label: Uint8Array): Steps<Uint8Array | undefined> {
  return (yield { unwrap: wrapped, label, as }) as Uint8Array | undefined
}

/** Asks what is known of a keyId. */
export function* trust(keyId: Uint8Array): Steps<Trust> {
  return (yield { trust: keyId }) as Trust
}

/** Asks where this side stands at an outbox of a peer. */
export function* locate(peer: Peer, outbox: Uint8Array): Steps<Location> {
  return (yield { locate: outbox, peer }) as Location
}

/** One frame of a fixed length, its header checked before any byte of its body is asked for. */
export interface Frame {
  readonly header: Uint8Array
  readonly body: Uint8Array
}

/**
 * Asks for one frame of this name.
 *
 * @throws PeerError FRAME
 */
export function* receive(name: FrameName): Steps<Frame> {
  const header = (yield { need: HEADER_LENGTH }) as Uint8Array
  const body = (yield { need: bodyLength(name, header) }) as Uint8Array
  return { header, body }
}

/** A whole frame around a body. */
export function frame(name: FrameName, body: Uint8Array): Uint8Array {
  return concat(frameHeader(name, body.length), body)
}

/** Where fresh values come from; injected where whole handshakes are made from fixed ones. */
export interface Entropy {
  /** So many fresh random bytes. */
  random(length: number): Uint8Array
  readonly kem: Kem
  /** RSA-OAEP of a session key, which pads with randomness of its own. */
  wrap(publicKey: PublicKey, secret: Uint8Array, label: Uint8Array): Uint8Array
}

/** Randomness of the system. */
export const systemEntropy: Entropy = { random, kem: xwing, wrap }

/**
 * Sees every intermediate value of a handshake by its name in the protocol: for test vectors and key logs. Secrets!
 *
 * The value is lent: some are overwritten as soon as they have served, so whoever keeps one keeps a copy.
 */
export type Observer = (name: string, value: Uint8Array) => void
