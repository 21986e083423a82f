/** Whether a peer is who it says (protocol sections 4 to 6). */
import { equal } from '../bytes.ts'
import type { PublicKey } from '../crypto/keys.ts'
import { signatureContext, verify, type Identity } from '../crypto/signature.ts'
import type { Position } from '../wire/frames.ts'
import type { TrafficSecrets } from './key-schedule.ts'
import type { Peer } from './step.ts'

/**
 * A peer that has proved, in this handshake, that it holds `key`, one of its pinned keys. Only verification makes one: a
 * copy of its fields, with another key or the same, is a pinned peer like any other.
 */
export class VerifiedPeer implements Peer {
  declare readonly name?: string
  readonly keys: readonly PublicKey[]
  readonly #key: PublicKey

  private constructor({ name, keys }: Peer, key: PublicKey) {
    if (name !== undefined) this.name = name
    this.keys = keys
    this.#key = key
  }

  /** The key that it signed with. */
  get key(): PublicKey {
    return this.#key
  }

  /** The peer, as the key it signed with; undefined where the signature is not that key's. */
  static verify(peer: Peer, key: PublicKey, signed: Uint8Array, signature: Uint8Array): VerifiedPeer | undefined {
    return verify(key, signed, signature) ? new VerifiedPeer(peer, key) : undefined
  }
}

export const SERVER_CONTEXT: Uint8Array = signatureContext('server handshake')
export const CLIENT_CONTEXT: Uint8Array = signatureContext('client handshake')

/** The pinned key that has this keyId. */
export function keyOf(peer: Peer, keyId: Uint8Array): PublicKey | undefined {
  return peer.keys.find(({ id }) => equal(id, keyId))
}

/** What a finished handshake leaves: the peer, the keys, and where each side stands at the other's outbox. */
export interface Established {
  readonly role: 'client' | 'server'
  readonly peer: VerifiedPeer
  /** As which of its identities this side acted. */
  readonly identity: Identity
  readonly secrets: TrafficSecrets
  /** Whether this side may send messages, and whether the peer may. */
  readonly maySend: boolean
  readonly mayReceive: boolean
  /** The peer's outbox, and where this side said that it stands there. */
  readonly peerOutbox: Uint8Array
  readonly announced: Position
  /** The peer's journal, where it stands at this side's outbox, and the longest item that it takes. */
  readonly peerJournal: Uint8Array
  readonly position: Position
  readonly maxItem: number
}
