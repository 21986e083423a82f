/** Hashes and key derivation (protocol section 1): SHA-256, HMAC-SHA-256, HKDF (RFC 5869) and its labels. */
import { createHash, hash, randomBytes } from 'node:crypto'
import { concat, lengthOf, put, utf8, wipe } from '../bytes.ts'

/** SHA-256 of one or several byte strings joined; 32 bytes. Not for keys: the result passes through a string. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = parts.length === 1 ? parts[0]! : join(0, parts)
  const text = sha256Text(joined)
  if (parts.length > 1) wipe(joined)
  const result = new Uint8Array(32)
  for (let i = 0; i < 32; i++) result[i] = text.charCodeAt(i)
  return result
}

/** Room for what is hashed, wiped after each use: memory for each would cost as much as its hash. */
const lent: Uint8Array = new Uint8Array(8192)

/** Byte strings joined behind so many bytes, for as long as until the next are. */
function join(at: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = at + lengthOf(parts)
  return put(length <= lent.length ? lent.subarray(0, length) : new Uint8Array(length), at, parts)
}

/** The same as a string, a character a byte: Node hands that out at a third of the cost of a buffer. */
export function sha256Text(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'latin1')
}

/** SHA-256 of a stream: `update` as bytes arrive, `digest` once at the end; 32 bytes. */
export interface Hasher {
  /** Takes the next piece. */
  update(bytes: Uint8Array): unknown
  /** The 32 bytes of the hash, once. */
  digest(): Uint8Array
}

/** A SHA-256 over what comes in pieces. */
export function sha256Stream(): Hasher {
  return createHash('sha256')
}

/** The block of SHA-256, to which HMAC fills up its key. */
const BLOCK = 64
const outer: Uint8Array = new Uint8Array(BLOCK + 32)

/**
 * HMAC-SHA-256 (RFC 2104) over one or several byte strings joined; 32 bytes. Made of two hashes: an object of Node's for each,
 * as createHmac makes, costs more than they do, and the collector once more.
 */
export function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  if (key.length > BLOCK) return hmac(hash('sha256', key, 'buffer'), ...parts)
  const inner = join(BLOCK, parts)
  inner.fill(0x36, 0, BLOCK)
  outer.fill(0x5c, 0, BLOCK)
  for (let i = 0; i < key.length; i++) {
    inner[i]! ^= key[i]!
    outer[i]! ^= key[i]!
  }
  const within = hash('sha256', inner, 'buffer')
  outer.set(within, BLOCK)
  const mac = hash('sha256', outer, 'buffer')
  wipe(inner, outer, within)
  return mac
}

/** HKDF-Extract (RFC 5869 section 2.2); 32 bytes. */
export function extract(salt: Uint8Array, ikm: Uint8Array): Uint8Array {
  return hmac(salt, ikm)
}

/**
 * HKDF-Expand (RFC 5869 section 2.3) to `length` bytes.
 *
 * @throws RangeError past 255 * 32 bytes, where the one-byte counter would come round and the output repeat
 */
export function expand(secret: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  if (length > 255 * 32) throw new RangeError(`HKDF-SHA-256 gives at most 8160 bytes, not ${length}`)
  const blocks: Uint8Array[] = []
  let block: Uint8Array = new Uint8Array(0)
  for (let i = 1; blocks.length * 32 < length; i++) {
    block = hmac(secret, block, info, Uint8Array.of(i))
    blocks.push(block)
  }
  return blocks.length === 1 && length === 32 ? block : concat(...blocks).subarray(0, length)
}

/** `Label(secret, name, context, n)` of protocol section 1: HKDF-Expand with the protocol's name in front. */
export function label(secret: Uint8Array, name: string, context: Uint8Array, length: number): Uint8Array {
  const text = protocolText(name)
  const info = concat(Uint8Array.of(length >> 8, length, lengthIn8(text)), text, Uint8Array.of(lengthIn8(context)), context)
  return expand(secret, info, length)
}

/** The protocol's name and what follows it: some twenty texts in all, each encoded once. */
function protocolText(name: string): Uint8Array {
  let text = texts.get(name)
  if (text === undefined) texts.set(name, (text = utf8(`countersign/1 ${name}`)))
  return text
}

const texts = new Map<string, Uint8Array>()

/** The length prefix of `LP8(x)`. */
function lengthIn8({ length }: Uint8Array): number {
  if (length > 255) throw new RangeError(`LP8 holds at most 255 bytes, not ${length}`)
  return length
}

/** `H("countersign/1 name" || 0x00 || parts)`: the protocol's hashes with a domain of their own. */
export function domainHash(name: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return sha256(protocolText(`${name}\0`), ...parts)
}

/** Bytes from the operating system's generator. */
export function random(length: number): Uint8Array {
  return randomBytes(length)
}

let pool: Uint8Array = new Uint8Array(0)
let pooled = 0

/** Writes 16 random bytes, drawn many at a time: for salts, which are sent to the peer and so are no secret here. */
export function writeSalt(target: Uint8Array, at: number): void {
  if (pooled === pool.length) {
    pool = random(16 * 512)
    pooled = 0
  }
  for (let i = 0; i < 16; i++) target[at + i] = pool[pooled++]!
}
