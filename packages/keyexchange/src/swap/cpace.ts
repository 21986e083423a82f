/**
 * CPACE-RISTR255-SHA512 (draft-irtf-cfrg-cpace), initiator-responder: two sides that know the same few words agree on a
 * strong secret, and a side that guesses the words has one guess for each run.
 */
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import { concat, utf8, wipe } from '@countersign/core/protocol'
import { createHmac, hash } from 'node:crypto'

export const SHARE_LENGTH = 32
export const MAC_LENGTH = 64

const DSI = utf8('CPaceRistretto255')
const DSI_ISK = utf8('CPaceRistretto255_ISK')
const DSI_MAC = utf8('CPaceMac')
/** SHA-512's block: the first block of the generator's string holds nothing but the words and zeros. */
const HASH_BLOCK = 128

const Group: typeof ristretto255.Point = ristretto255.Point

/** `lv_cat` of the draft: each part with its length in LEB128 in front. */
export function lvCat(...parts: readonly Uint8Array[]): Uint8Array {
  return concat(...parts.flatMap((part) => [leb128(part.length), part]))
}

function leb128(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Uint8Array.from([...bytes, rest])
}

function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  return hash('sha512', concat(...parts), 'buffer')
}

/** The generator that the words `prs` give in this session, encoded; 32 bytes. */
export function generator(prs: Uint8Array, channel: Uint8Array, sid: Uint8Array): Uint8Array {
  const zeros = new Uint8Array(Math.max(0, HASH_BLOCK - 1 - lvCat(prs).length - lvCat(DSI).length))
  const digest = sha512(lvCat(DSI, prs, zeros, channel, sid))
  return ristretto255_hasher.deriveToCurve!(digest).toBytes()
}

/** A scalar from 64 uniform bytes: modulo the group's order, without bias. @returns 32 bytes, little-endian */
export function scalarOf(uniform: Uint8Array): Uint8Array {
  return Group.Fn.toBytes(Group.Fn.create(littleEndian(uniform)))
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString('hex')}`)
}

/** A public share: the generator times the scalar. @returns 32 bytes */
export function share(base: Uint8Array, scalar: Uint8Array): Uint8Array {
  return Group.fromBytes(base).multiply(Group.Fn.fromBytes(scalar)).toBytes()
}

/**
 * The peer's share times this side's scalar, or undefined where the share is no canonical encoding of a group element
 * or is the identity. The library decodes the identity's encoding, all zeros, without complaint.
 */
export function sharedPoint(scalar: Uint8Array, peerShare: Uint8Array): Uint8Array | undefined {
  let point: InstanceType<typeof Group>
  try {
    point = Group.fromBytes(peerShare)
  } catch {
    return undefined
  }
  // The group's order is prime: any other element times a scalar that is not zero is no identity either.
  return point.is0() ? undefined : point.multiply(Group.Fn.fromBytes(scalar)).toBytes()
}

/** A share with its associated data. */
export interface Side {
  readonly share: Uint8Array
  readonly data: Uint8Array
}

/** The intermediate session key, ISK; 64 bytes. Overwrites the shared point. */
export function sessionKey(sid: Uint8Array, shared: Uint8Array, initiator: Side, responder: Side): Uint8Array {
  const transcript = concat(lvCat(initiator.share, initiator.data), lvCat(responder.share, responder.data))
  const key = sha512(lvCat(DSI_ISK, sid, shared), transcript)
  wipe(shared)
  return key
}

/** What proves that a side knows ISK: Ta of the initiator, Tb of the responder; 64 bytes. */
export function confirmation(sid: Uint8Array, isk: Uint8Array, side: Side): Uint8Array {
  const macKey = sha512(DSI_MAC, sid, isk)
  const mac = createHmac('sha512', macKey).update(lvCat(side.share, side.data)).digest()
  wipe(macKey)
  return mac
}
