/**
 * X-Wing, the hybrid of ML-KEM-768 and X25519 (draft-connolly-cfrg-xwing-kem): secret as long as either holds.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  hash,
  type KeyObject,
} from 'node:crypto'
import { concat, isZero, utf8, wipe } from '../bytes.ts'

/** The length of a public key, in bytes. */
export const KEM_PUBLIC_LENGTH = 1216
/** The length of what encapsulation sends, in bytes. */
export const KEM_CIPHERTEXT_LENGTH = 1120
const MLKEM_PUBLIC_LENGTH = 1184
const MLKEM_CIPHERTEXT_LENGTH = 1088

/** An ephemeral key pair, for one decapsulation. */
export interface KemKeyPair {
  /** ML-KEM-768 key 1184 || X25519 key 32 */
  readonly publicKey: Uint8Array
  /** The 32-byte shared secret; undefined where the X25519 result is all zero. */
  decapsulate(ciphertext: Uint8Array): Uint8Array | undefined
}

/** A key encapsulation; injected, so that whole handshakes can be made from fixed randomness. */
export interface Kem {
  /** Makes an ephemeral key pair. */
  generate(): KemKeyPair
  /** ML-KEM-768 ciphertext 1088 || X25519 key 32, and the shared secret; undefined for a key that fails its checks. */
  encapsulate(publicKey: Uint8Array): { ciphertext: Uint8Array; sharedSecret: Uint8Array } | undefined
}

/** The KEM of the protocol, on randomness of the system. */
export const xwing: Kem = {
  generate() {
    return keyPair(generateKeyPairSync('ml-kem-768'), generateKeyPairSync('x25519'))
  },

  encapsulate(publicKey) {
    const x25519Public = publicKey.subarray(MLKEM_PUBLIC_LENGTH)
    let mlkemPublic: KeyObject
    try {
      // OpenSSL makes the modulus check of FIPS 203 section 7.2 when it imports the key.
      mlkemPublic = rawPublic('ml-kem-768', publicKey.subarray(0, MLKEM_PUBLIC_LENGTH))
    } catch {
      return undefined
    }
    const ephemeral = generateKeyPairSync('x25519')
    const x25519Secret = x25519(ephemeral.privateKey, x25519Public)
    if (x25519Secret === undefined) return undefined
    const mlkem = encapsulate(mlkemPublic)
    const x25519Ciphertext = rawPublicBytes(ephemeral.publicKey)
    const sharedSecret = combine(mlkem.sharedKey, x25519Secret, x25519Ciphertext, x25519Public)
    return { ciphertext: concat(mlkem.ciphertext, x25519Ciphertext), sharedSecret }
  },
}

/** The key pair of a 32-byte seed, expanded by SHAKE256 to the ML-KEM seed (d || z) and the X25519 scalar. */
export function kemKeyPairFromSeed(seed: Uint8Array): KemKeyPair {
  const expanded = createHash('shake256', { outputLength: 96 }).update(seed).digest()
  const pair = kemKeyPairFromParts(expanded.subarray(0, 64), expanded.subarray(64))
  wipe(expanded)
  return pair
}

/** The key pair of an ML-KEM-768 seed (d || z, 64 bytes) and an X25519 scalar (32 bytes); throws for other lengths. */
export function kemKeyPairFromParts(mlkemSeed: Uint8Array, x25519Scalar: Uint8Array): KemKeyPair {
  const mlkem = createPrivateKey({ key: mlkemSeed, format: 'raw-seed', asymmetricKeyType: 'ml-kem-768' })
  const x25519 = createPrivateKey({ key: x25519Scalar, format: 'raw-private', asymmetricKeyType: 'x25519' })
  return keyPair(
    { privateKey: mlkem, publicKey: createPublicKey(mlkem) },
    { privateKey: x25519, publicKey: createPublicKey(x25519) },
  )
}

interface KeyObjects {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

function keyPair(mlkem: KeyObjects, ephemeral: KeyObjects): KemKeyPair {
  const x25519Public = rawPublicBytes(ephemeral.publicKey)
  return {
    publicKey: concat(rawPublicBytes(mlkem.publicKey), x25519Public),
    decapsulate(ciphertext) {
      const x25519Ciphertext = ciphertext.subarray(MLKEM_CIPHERTEXT_LENGTH)
      const x25519Secret = x25519(ephemeral.privateKey, x25519Ciphertext)
      if (x25519Secret === undefined) return undefined
      const mlkemSecret = decapsulate(mlkem.privateKey, ciphertext.subarray(0, MLKEM_CIPHERTEXT_LENGTH))
      return combine(mlkemSecret, x25519Secret, x25519Ciphertext, x25519Public)
    },
  }
}

const XWING_LABEL = utf8('\\.//^\\')

function combine(mlkem: Uint8Array, x25519Secret: Uint8Array, ciphertext: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const input = concat(mlkem, x25519Secret, ciphertext, publicKey, XWING_LABEL)
  const sharedSecret = hash('sha3-256', input, 'buffer')
  wipe(mlkem, x25519Secret, input)
  return sharedSecret
}

/** RFC 7748 section 6.1, with its check for the all-zero result. */
function x25519(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array | undefined {
  try {
    const secret = diffieHellman({ privateKey, publicKey: rawPublic('x25519', publicKey) })
    return isZero(secret) ? undefined : secret
  } catch {
    return undefined
  }
}

function rawPublic(asymmetricKeyType: 'ml-kem-768' | 'x25519', key: Uint8Array): KeyObject {
  return createPublicKey({ key, format: 'raw-public', asymmetricKeyType })
}

/** Raw export: several times cheaper than SPKI. */
function rawPublicBytes(publicKey: KeyObject): Uint8Array {
  return publicKey.export({ format: 'raw-public' })
}
