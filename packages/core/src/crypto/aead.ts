/** AES-256-GCM with a 16-byte tag and counted nonces (protocol section 2). */
import { createCipheriv, createDecipheriv, type DecipherGCM } from 'node:crypto'
import { concat, gather, wipe } from '../bytes.ts'
import { label } from './hash.ts'

/** The length of an AES-256-GCM tag, in bytes: no other is taken. */
export const TAG_LENGTH = 16

const options = { authTagLength: TAG_LENGTH }
const nothing = new Uint8Array(0)

/**
 * One direction's key and iv, 32 and 12 bytes, which seal or open one body for each sequence number. Bytes and no KeyObject:
 * that could not be wiped.
 */
export interface AeadKey {
  readonly key: Uint8Array
  readonly iv: Uint8Array
}

const KEY_LENGTH = 32
const IV_LENGTH = 12

/** The key and iv that section 4 derives of a secret. */
export function aeadKey(secret: Uint8Array): AeadKey {
  const [key, iv] = [label(secret, 'key', nothing, KEY_LENGTH), label(secret, 'iv', nothing, IV_LENGTH)]
  // Side by side in memory of their own: there are two such keys in every session, which are kept as long as it.
  const both = concat(key, iv)
  wipe(key, iv)
  return { key: both.subarray(0, KEY_LENGTH), iv: both.subarray(KEY_LENGTH) }
}

/** Forgets the key. */
export function wipeKey({ key, iv }: AeadKey): void {
  wipe(key, iv)
}

/** Lent to each cipher, which copies it. Outside of the heap: of what lies in there, Node makes memory outside of it each time. */
const lent = new Uint8Array(new ArrayBuffer(IV_LENGTH))

/** iv XOR (0x00000000 || u64 seq), for as long as until the next. */
function nonce(iv: Uint8Array, seq: number): Uint8Array {
  lent.set(iv)
  const high = Math.floor(seq / 0x1_0000_0000)
  for (let i = 0; i < 4; i++) {
    lent[4 + i]! ^= high >>> (24 - 8 * i)
    lent[8 + i]! ^= seq >>> (24 - 8 * i)
  }
  return lent
}

/** Seals pieces of plaintext as one body: pieces of ciphertext, of the same lengths, and the tag behind them. */
export function sealPieces({ key, iv }: AeadKey, seq: number, aad: Uint8Array, plaintext: readonly Uint8Array[]): Uint8Array[] {
  const cipher = createCipheriv('aes-256-gcm', key, nonce(iv, seq), options)
  cipher.setAAD(aad)
  const sealed: Uint8Array[] = plaintext.map((piece) => cipher.update(piece))
  cipher.final()
  sealed.push(cipher.getAuthTag())
  return sealed
}

/** Seals one plaintext; the body is 16 bytes longer. */
export function seal(key: AeadKey, seq: number, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  return concat(...sealPieces(key, seq, aad, [plaintext]))
}

/**
 * Opens one body whose pieces arrive one after the other.
 *
 * The pieces of plaintext are held back until `finish` has checked the tag: what is not authentic is never handed out.
 */
export class Opener {
  readonly #decipher: DecipherGCM
  readonly #plaintext: Uint8Array[] = []

  constructor({ key, iv }: AeadKey, seq: number, aad: Uint8Array) {
    this.#decipher = createDecipheriv('aes-256-gcm', key, nonce(iv, seq), options)
    this.#decipher.setAAD(aad)
  }

  /** Takes the next piece of ciphertext. */
  update(ciphertext: Uint8Array): void {
    const piece = this.#decipher.update(ciphertext)
    const last = this.#plaintext.at(-1)
    gather(this.#plaintext, piece)
    // Where the two were joined, what they were copied from is not authentic either.
    if (last !== undefined && this.#plaintext.at(-1) !== piece) wipe(last, piece)
  }

  /** The plaintext, or undefined where the tag does not hold. */
  finish(tag: Uint8Array): Uint8Array[] | undefined {
    try {
      this.#decipher.setAuthTag(tag)
      this.#decipher.final()
      return this.#plaintext
    } catch {
      wipe(...this.#plaintext)
      return undefined
    }
  }
}

/** Opens one whole body; undefined where the tag does not hold. */
export function open(key: AeadKey, seq: number, aad: Uint8Array, body: Uint8Array): Uint8Array | undefined {
  if (body.length < TAG_LENGTH) return undefined
  const opener = new Opener(key, seq, aad)
  opener.update(body.subarray(0, -TAG_LENGTH))
  return opener.finish(body.subarray(-TAG_LENGTH))?.[0]
}
