/**
 * Signatures and RSA key transport by the pinned key's own algorithm (protocol sections 1 and 6).
 */
import {
  constants,
  createPublicKey,
  privateDecrypt,
  publicEncrypt,
  sign as nodeSign,
  verify as nodeVerify,
  type KeyObject,
} from 'node:crypto'
import { concat, lengthOf, put, utf8, view } from '../bytes.ts'
import { sha256 } from './hash.ts'
import type { Algorithm, PrivateKey, PublicKey } from './keys.ts'

/**
 * Whoever can sign as one public key: a key in this process, or one in an agent, a TPM or another thread.
 */
export interface Identity {
  readonly publicKey: PublicKey
  /** A signature over the whole message, of the key's own algorithm and exact length. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>
  /** RSA alone: the 32 bytes that RSA-OAEP wrapped under this label, or undefined where they do not unwrap. */
  unwrap?(wrapped: Uint8Array, label: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined>
}

/** Signs with a key in this process: Ed25519 on this thread, the slower algorithms on Node's pool. */
export function identity(privateKey: PrivateKey): Identity {
  const { publicKey, key } = privateKey
  const { algorithm } = publicKey
  return {
    publicKey,
    sign: algorithm === 'ed25519' ? (message) => nodeSign(null, message, key) : (message) => signOnPool(algorithm, key, message),
    ...(algorithm === 'rsa' && {
      // OpenSSL takes a ciphertext without its leading zeros too: the same key would travel in two forms.
      unwrap: (wrapped: Uint8Array, label: Uint8Array) =>
        wrapped.length === publicKey.signatureLength ? unwrap(key, wrapped, label) : undefined,
    }),
  }
}

function signOnPool(algorithm: Algorithm, key: KeyObject, message: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    nodeSign(digestOf(algorithm), message, keyInput(algorithm, key), (error, signature) => {
      if (error) reject(error)
      else resolve(signature)
    })
  })
}

/** Whether `signature` is this key's over this message, of the algorithm's exact length. */
export function verify(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== publicKey.signatureLength) return false
  const { algorithm, key } = publicKey
  return nodeVerify(digestOf(algorithm), message, keyInput(algorithm, key), signature) === true
}

function digestOf(algorithm: Algorithm): 'sha256' | null {
  return algorithm === 'rsa' ? 'sha256' : null
}

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }

function keyInput(algorithm: Algorithm, key: KeyObject): KeyObject | ({ key: KeyObject } & typeof PSS) {
  return algorithm === 'rsa' ? { key, ...PSS } : key
}

const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }

/** RSA-OAEP (SHA-256, MGF1-SHA-256) of a secret, to an RSA public key under a label. */
export function wrap(publicKey: PublicKey, secret: Uint8Array, oaepLabel: Uint8Array): Uint8Array {
  return publicEncrypt({ key: publicKey.key, ...OAEP, oaepLabel: view(oaepLabel) }, secret)
}

function unwrap(key: KeyObject, wrapped: Uint8Array, oaepLabel: Uint8Array): Uint8Array | undefined {
  try {
    return privateDecrypt({ key, ...OAEP, oaepLabel: view(oaepLabel) }, wrapped)
  } catch {
    return undefined
  }
}

/** `SigContext(name)`: 64 spaces, the name and a zero byte, which no other protocol's signed text begins with. */
export function signatureContext(name: string): Uint8Array {
  return utf8(`${' '.repeat(64)}countersign/1 ${name}\0`)
}

/** `PAE(type, payload)`: what a DSSE 1.0.2 signature covers, lengths in ASCII decimal. */
export function pae(type: string, payload: Uint8Array): Uint8Array {
  return concat(...paeParts(type, payload))
}

/** The same, lent until the next is asked for: to be verified, or hashed, at once. */
export function lentPae(type: string, payload: Uint8Array): Uint8Array {
  const parts = paeParts(type, payload)
  const length = lengthOf(parts)
  return length <= lent.length ? put(lent.subarray(0, length), 0, parts) : concat(...parts)
}

const lent = new Uint8Array(1024)

function paeParts(type: string, payload: Uint8Array): readonly Uint8Array[] {
  return [paeHead(type), utf8(`${payload.length} `), payload]
}

const paeHeads = new Map<string, Uint8Array>()

/** What stands before the payload's length: encoded once for each of the few types. */
function paeHead(type: string): Uint8Array {
  let head = paeHeads.get(type)
  if (head === undefined) paeHeads.set(type, (head = utf8(`DSSEv1 ${utf8(type).length} ${type} `)))
  return head
}

/**
 * Verifies in vain, against a key of the algorithm and size that the signature's length names, so that an unknown
 * signer costs the same time as a known one whose signature is wrong (protocol section 6).
 */
export function verifyStandIn(message: Uint8Array, signature: Uint8Array): void {
  const key = standIn(signature.length)
  if (key) nodeVerify(digestOf(key.algorithm), message, keyInput(key.algorithm, key.key), signature)
}

interface StandIn {
  readonly algorithm: Algorithm
  readonly key: KeyObject
}

const standIns = new Map<number, StandIn | undefined>()

function standIn(signatureLength: number): StandIn | undefined {
  if (!standIns.has(signatureLength)) standIns.set(signatureLength, makeStandIn(signatureLength))
  return standIns.get(signatureLength)
}

/** Keys that nobody holds the private half of: any bytes of the right size do. */
function makeStandIn(signatureLength: number): StandIn | undefined {
  const raw = (asymmetricKeyType: 'ed25519' | 'ml-dsa-65', key: Uint8Array): StandIn => {
    return { algorithm: asymmetricKeyType, key: createPublicKey({ key, format: 'raw-public', asymmetricKeyType }) }
  }
  switch (signatureLength) {
    case 64:
      // The base point of edwards25519, a valid key of large order.
      return raw('ed25519', Uint8Array.from([0x58, ...new Uint8Array(31).fill(0x66)]))
    case 3309:
      return raw('ml-dsa-65', fixedBytes(1952))
    case 256:
    case 384:
    case 512: {
      const modulus = fixedBytes(signatureLength)
      modulus[0]! |= 0x80
      modulus[signatureLength - 1]! |= 1
      const jwk = { kty: 'RSA', n: view(modulus).toString('base64url'), e: 'AQAB' }
      return { algorithm: 'rsa', key: createPublicKey({ key: jwk, format: 'jwk' }) }
    }
    default:
      return undefined
  }
}

function fixedBytes(length: number): Uint8Array {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) => sha256(Uint8Array.of(i)))
  return concat(...blocks).subarray(0, length)
}
