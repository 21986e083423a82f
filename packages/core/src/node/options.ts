/** What connecting, listening and securing a stream have in common. */
import { equal, hex } from '../bytes.ts'
import type { PublicKey } from '../crypto/keys.ts'
import type { Identity } from '../crypto/signature.ts'
import type { Journal, Place } from '../delivery/journal.ts'
import type { Outbox } from '../delivery/outbox.ts'
import type { Policy } from '../delivery/receiver.ts'
import type { Entropy, Observer, Peer, Trust } from '../handshake/step.ts'
import type { Limits } from '../session/limits.ts'
import type { FrameName } from '../wire/frames.ts'
import type { KindName } from '../wire/records.ts'

/** One step on the wire, for those who watch; it holds no secret. */
export interface TraceEvent {
  readonly sent: boolean
  /** undefined where a peer sent a type that does not exist. */
  readonly frame: FrameName | undefined
  /** What the record is, where it is one. */
  readonly kind?: KindName
  /** The frame's length in bytes, header included. */
  readonly length: number
}

/** Is told of every step on the wire. */
export type Trace = (event: TraceEvent) => void

/** What both sides of a session need to know. */
export interface CommonOptions {
  /** This side's identity; during a rotation several, newest first. */
  readonly identity: Identity | readonly Identity[]
  /** Earlier keys of this side's chain of rotations, oldest first: what was signed to them is still taken. */
  readonly formerKeys?: readonly PublicKey[]
  /** Where what is received is kept: `memoryJournal()`, or a durable one. Without one this side takes no messages. */
  readonly journal?: Journal
  /** Where what is sent waits for its receipt; one in memory, for this session, where it is not said. */
  readonly outbox?: Outbox
  /** The longest item taken, in bytes: body, attributes and 19 bytes. 2^53 where it is not said. */
  readonly maxItem?: number
  readonly policy?: Policy
  /** How long a handshake may take in ms, up to the first record; 10 s where it is not said. */
  readonly handshakeWithin?: number
  readonly limits?: Partial<Limits>
  readonly trace?: Trace | undefined
  /** For vectors: sees the secrets. */
  readonly observe?: Observer
  /**
   * Takes the secrets of each session, as lines of a key log (tools/wireshark). For debugging alone: whoever has these lines
   * and a recording of the session reads and forges all of it. Nothing is logged where this is not given.
   */
  readonly keyLog?: (line: string) => void
  readonly entropy?: Entropy
}

/** A peer to be trusted: its public key, or a name and the keys of its chain. */
export type PinnedPeer = PublicKey | Peer

/** Whom a listener trusts: a list, or a look-up by keyId, which may also know of revoked keys. */
export type Peers = readonly PinnedPeer[] | ((keyId: Uint8Array) => Trust | Promise<Trust>)

export function peerOf(pinned: PinnedPeer): Peer {
  return 'keys' in pinned ? pinned : { keys: [pinned] }
}

export function lookUp(peers: Peers): (keyId: Uint8Array) => Trust | Promise<Trust> {
  if (typeof peers === 'function') return peers
  const all = peers.map(peerOf)
  return (keyId) => {
    const peer = all.find(({ keys }) => keys.some(({ id }) => equal(id, keyId)))
    return peer && { peer }
  }
}

export function identitiesOf({ identity }: Pick<CommonOptions, 'identity'>): readonly Identity[] {
  return 'sign' in identity ? [identity] : identity
}

/** Every key of this side's chain, oldest first. */
export function ownKeysOf(options: Pick<CommonOptions, 'identity' | 'formerKeys'>): readonly PublicKey[] {
  const present = identitiesOf(options).map(({ publicKey }) => publicKey)
  return (options.formerKeys ?? []).concat(present.toReversed())
}

/** The place of a peer's messages to this side. */
export function placeOf(peer: Peer, ownKeys: readonly PublicKey[], outbox: Uint8Array): Place {
  return { sender: peer.keys[0]!.id, receiver: ownKeys[0]!.id, outbox }
}

/** One name for all keys of a peer's chain. */
export function peerName(peer: Peer): string {
  return hex(peer.keys[0]!.id)
}
