/**
 * A second implementation of the protocol, to hold the first one and its vectors against.
 *
 * It follows the protocol's text with node:crypto alone, knows nothing of the package beside it, and makes no effort to
 * be fast, careful with secrets or kind to bad input.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac } from 'node:crypto'

export type Bytes = Uint8Array

/** Joins byte strings and texts. */
export function cat(...parts: readonly (Bytes | string)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
}

/** A number in so many bytes, big-endian. */
export function uint(length: number, value: number | bigint): Buffer {
  return Buffer.from(
    BigInt(value)
      .toString(16)
      .padStart(2 * length, '0'),
    'hex',
  )
}

/** LP8, LP16 or LP: x behind its length in so many bytes. */
export function prefixed(length: number, x: Bytes | string): Buffer {
  const bytes = cat(x)
  return cat(uint(length, bytes.length), bytes)
}

export function lp(x: Bytes): Buffer {
  return prefixed(4, x)
}

export function zeroPadded(x: Bytes, length: number): Buffer {
  return cat(x, Buffer.alloc(length - x.length))
}

export function hash(...parts: readonly (Bytes | string)[]): Buffer {
  return createHash('sha256')
    .update(cat(...parts))
    .digest()
}

export function hmac(key: Bytes, ...parts: readonly (Bytes | string)[]): Buffer {
  return createHmac('sha256', key)
    .update(cat(...parts))
    .digest()
}

export function extract(salt: Bytes, ikm: Bytes): Buffer {
  return hmac(salt, ikm)
}

/** HKDF-Expand for at most one block, which is all that the protocol asks for. */
function expand(secret: Bytes, info: Bytes, length: number): Buffer {
  if (length > 32) throw new RangeError('one block is 32 bytes')
  return hmac(secret, info, uint(1, 1)).subarray(0, length)
}

export function label(secret: Bytes, name: string, context: Bytes | string, length: number): Buffer {
  return expand(secret, cat(uint(2, length), prefixed(1, `countersign/1 ${name}`), prefixed(1, context)), length)
}

/** H("countersign/1 name" || 0x00 || x) */
export function domain(name: string, ...parts: readonly Bytes[]): Buffer {
  return hash(`countersign/1 ${name}\0`, ...parts)
}

export function signatureContext(name: string): Buffer {
  return cat(Buffer.alloc(64, 0x20), `countersign/1 ${name}`, uint(1, 0))
}

export function pae(type: string, payload: Bytes): Buffer {
  return cat(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `, payload)
}

/** key, iv and finished of a secret, as far as each is wanted. */
export function keyOf(secret: Bytes): { readonly key: Buffer; readonly iv: Buffer } {
  return { key: label(secret, 'key', '', 32), iv: label(secret, 'iv', '', 12) }
}

export function nonceOf(iv: Bytes, seq: number): Buffer {
  const counter = cat(uint(4, 0), uint(8, seq))
  return Buffer.from(iv.map((byte, i) => byte ^ counter[i]!))
}

export function seal(secret: Bytes, seq: number, header: Bytes, plaintext: Bytes): Buffer {
  const { key, iv } = keyOf(secret)
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(iv, seq))
  cipher.setAAD(header)
  return cat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag())
}

/** @throws Error where the tag does not hold */
export function open(secret: Bytes, seq: number, header: Bytes, body: Bytes): Buffer {
  const { key, iv } = keyOf(secret)
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(iv, seq), { authTagLength: 16 })
  decipher.setAAD(header)
  decipher.setAuthTag(body.subarray(-16))
  return cat(decipher.update(body.subarray(0, -16)), decipher.final())
}
