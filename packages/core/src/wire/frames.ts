/** Frames and the bodies of the handshake (protocol sections 2 to 6). */
import { copy, equal, isZero, utf8 } from '../bytes.ts'
import { PeerError } from '../errors.ts'
import { bytes, checked, type Codec, lp, padded, struct, u24, u64, u64Bound, u8 } from './codec.ts'

/** The length of a frame's header, in bytes: type, and length of the body. */
export const HEADER_LENGTH = 4

/** Type and legal body lengths of every frame. */
export const FRAMES = {
  HELLO: { type: 1, least: 1288, most: 1288 },
  'HELLO+ACK': { type: 2, least: 5264, most: 5264 },
  ACK: { type: 3, least: 4112, most: 4112 },
  'SESSION-KEY': { type: 4, least: 1040, most: 1040 },
  RECORD: { type: 5, least: 17, most: 65_553 },
} as const

/** The frames by their names. */
export type FrameName = keyof typeof FRAMES

/** The four bytes in front of a body of `length` bytes: also the associated data where the body is sealed. */
export function frameHeader(name: FrameName, length: number = FRAMES[name].least): Uint8Array {
  const target = new Uint8Array(HEADER_LENGTH)
  writeFrameHeader(target, name, length)
  return target
}

/** The same, written where the frame begins. */
export function writeFrameHeader(target: Uint8Array, name: FrameName, length: number): void {
  u24.write(length, target, u8.write(FRAMES[name].type, target, 0))
}

/**
 * The body length that a header announces.
 *
 * @throws PeerError FRAME where it is not of the one type that is legal here, or of an illegal length
 */
export function bodyLength(name: FrameName, bytes4: Uint8Array): number {
  const { type, least, most } = FRAMES[name]
  const length = (bytes4[1]! << 16) | (bytes4[2]! << 8) | bytes4[3]!
  if (bytes4[0] !== type) throw new PeerError('FRAME', `a frame of type ${bytes4[0]} where ${name} is due`)
  if (length < least || length > most) throw new PeerError('FRAME', `a ${name} of ${length} bytes`)
  return length
}

/** The version of the protocol. */
export const VERSION = 1
const MAGIC = utf8('CSGN')

const id32 = bytes(32)
const id16 = bytes(16)

/** HELLO (section 3). `reserved` is sent as zero and its value is ignored. */
export const hello: Codec<Hello> = struct({
  magic: checked(bytes(4), (magic) => equal(magic, MAGIC), 'another protocol'),
  version: checked(u8, (version) => version === VERSION, 'another version'),
  reserved: u24,
  random: id32,
  kemPublic: bytes(1216),
  gate: id32,
})

/** The fields of HELLO (section 3). */
export interface Hello {
  readonly magic: Uint8Array
  readonly version: number
  readonly reserved: number
  readonly random: Uint8Array
  readonly kemPublic: Uint8Array
  readonly gate: Uint8Array
}

/** What every HELLO of this version begins with. */
export const HELLO_START: Pick<Hello, 'magic' | 'version' | 'reserved'> = { magic: MAGIC, version: VERSION, reserved: 0 }

/** HELLO+ACK (section 4). */
export const helloAck: Codec<{
  readonly random: Uint8Array
  readonly kemCiphertext: Uint8Array
  readonly sealed: Uint8Array
}> = struct({ random: id32, kemCiphertext: bytes(1120), sealed: bytes(4112) })

/** What HELLO+ACK and ACK seal: who one is, proved; 4096 bytes (sections 4 and 5). */
export const proof: Codec<Proof> = padded(struct({ payload: lp, signature: lp, mac: id32 }), 4096)

/** What a side sends to prove who it is (sections 4 and 5). */
export interface Proof {
  readonly payload: Uint8Array
  readonly signature: Uint8Array
  readonly mac: Uint8Array
}

/** Where a receiver stands in a sender's numbers (section 5). */
export interface Position {
  /** The number expected next, from 1. */
  readonly next: number
  /** Item bytes held of the envelope that starts at `next` and has this digest; both zero where none is held. */
  readonly offset: number
  readonly digest: Uint8Array
}

/** Where nothing is held: one for all positions. */
const NO_DIGEST = new Uint8Array(32)

const digest: Codec<Uint8Array> = {
  ...id32,
  read(reader) {
    const read = id32.read(reader)
    // A copy of its own: it is kept as long as the session.
    return isZero(read) ? NO_DIGEST : copy(read)
  },
}

/** The layout of a position: 48 bytes. */
export const position: Codec<Position> = checked(
  struct({ next: u64, offset: u64, digest }),
  ({ next, offset, digest }) => next >= 1 && (offset === 0) === isZero(digest),
  'a position that cannot be',
)

/** The payload of HELLO+ACK: 48 bytes. */
export const serverPayload: Codec<{ readonly keyId: Uint8Array; readonly outbox: Uint8Array }> = struct({
  keyId: id32,
  outbox: id16,
})

/** The payload of ACK: 121 bytes. */
export const clientPayload: Codec<ClientPayload> = struct({
  keyId: id32,
  outbox: id16,
  journal: id16,
  position,
  maxItem: u64Bound,
  receives: checked(u8, (flag) => flag <= 1, 'receives is 0 or 1'),
})

/** What a client says of itself (section 5). */
export interface ClientPayload {
  readonly keyId: Uint8Array
  readonly outbox: Uint8Array
  readonly journal: Uint8Array
  readonly position: Position
  readonly maxItem: number
  readonly receives: number
}

/** What SESSION-KEY seals where the server accepts: 1024 bytes, status 0 (section 6). */
export const sessionKey: Codec<{
  readonly status: number
  readonly wrapped: Uint8Array
  readonly data: Uint8Array
  readonly confirm: Uint8Array
}> = padded(struct({ status: u8, wrapped: lp, data: lp, confirm: id32 }), 1024)

/** The data of SESSION-KEY: 72 bytes. */
export const sessionKeyData: Codec<SessionKeyData> = struct({ journal: id16, position, maxItem: u64Bound })

/** What a server says of where it stands (section 6). */
export type SessionKeyData = { readonly journal: Uint8Array; readonly position: Position; readonly maxItem: number }

/** What SESSION-KEY seals where the server refuses: 1024 bytes, another status, and a text of at most 1,019 bytes. */
export const refusal: Codec<{ readonly status: number; readonly text: Uint8Array }> = padded(
  struct({ status: u8, text: lp }),
  1024,
)

/** Whether a server accepts, or why not (section 6). */
export const STATUS = { accepted: 0, notTrusted: 1, revoked: 2, busy: 3, ownKey: 4 } as const
