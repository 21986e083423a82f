/**
 * Identity keys (protocol section 1): PEM in, checked keys out. Every key that this project uses passes through here.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { equal, fromUtf8, view } from '../bytes.ts'
import { LocalError } from '../errors.ts'
import { isEd25519PointOfLargeOrder } from './ed25519.ts'
import { sha256 } from './hash.ts'

/** What identity keys may be: RSA is of 2048, 3072 or 4096 bits. */
export type Algorithm = 'ed25519' | 'rsa' | 'ml-dsa-65'

/** A public identity key that has passed the key rules. */
export interface PublicKey {
  readonly algorithm: Algorithm
  /** keyId: SHA-256 of `spki`; 32 bytes */
  readonly id: Uint8Array
  /** `sha256//` and the keyId in base64, as curl and HTTP key pins write it */
  readonly fingerprint: string
  /** SubjectPublicKeyInfo in DER, re-exported from the parsed key */
  readonly spki: Uint8Array
  /** The exact length of this key's signatures in bytes: 64, the RSA modulus, or 3309 */
  readonly signatureLength: number
  readonly key: KeyObject
}

/** A private identity key that has passed the key rules, with its public half. */
export interface PrivateKey {
  readonly publicKey: PublicKey
  readonly key: KeyObject
}

const PEM = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*\r?\n([A-Za-z0-9+/=\s]*?)-----END \1-----[ \t]*$/m
const PRIVATE_PEM = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/

interface PemBlock {
  readonly label: string
  readonly der: Uint8Array
  readonly text: string
}

function readText(file: string | Uint8Array): string {
  const text = typeof file === 'string' ? file : fromUtf8(file)
  if (text === undefined) throw new LocalError('KEY_FORMAT', 'not a text file')
  return text
}

/** The one PEM block of a file; lines of text around it are explanatory (RFC 7468 section 2). */
function readPem(file: string): PemBlock {
  // A second block counts even where it is broken, or of a form that we do not read: it is no explanation.
  const begins = file.split('-----BEGIN ').length - 1
  if (begins !== 1) throw new LocalError('KEY_FORMAT', begins === 0 ? 'no PEM block' : 'more than one PEM block')
  const match = PEM.exec(file)
  if (!match) throw new LocalError('KEY_FORMAT', 'a PEM block that is broken or cut short')
  const [text, label, body] = match as unknown as [string, string, string]
  return { label, der: Buffer.from(body, 'base64'), text }
}

/** Refuses bytes after the outer SEQUENCE, which OpenSSL would ignore. */
function requireExactDer(der: Uint8Array): void {
  let length = der[1] ?? 0
  let header = 2
  if (length >= 0x80) {
    const octets = length - 0x80
    header += octets
    length = octets >= 1 && octets <= 4 && der.length >= header ? view(der).readUIntBE(2, octets) : -1
  }
  if (der[0] !== 0x30 || header + length !== der.length) {
    throw new LocalError('KEY_FORMAT', 'its DER is cut short or has bytes after it')
  }
}

/**
 * Reads a public key from PEM (`PUBLIC KEY`, SPKI).
 *
 * @throws LocalError KEY_FORMAT, KEY_TYPE, KEY_WEAK, or KEY_PRIVATE where the file holds a private key
 */
export function readPublicKey(pem: string | Uint8Array): PublicKey {
  const file = readText(pem)
  if (PRIVATE_PEM.test(file)) throw new LocalError('KEY_PRIVATE')
  const { label, der } = readPem(file)
  if (label !== 'PUBLIC KEY') throw new LocalError('KEY_FORMAT', `a PEM block of type ${label}, not PUBLIC KEY`)
  return publicKeyFromSpki(der)
}

/**
 * Reads a public key from SPKI in DER: the one encoding, for OpenSSL also reads others and ignores bytes after it.
 *
 * @throws LocalError KEY_FORMAT, KEY_TYPE, KEY_WEAK
 */
export function publicKeyFromSpki(der: Uint8Array): PublicKey {
  let key: KeyObject
  try {
    key = createPublicKey({ key: view(der), format: 'der', type: 'spki' })
  } catch (cause) {
    throw new LocalError('KEY_FORMAT', 'OpenSSL cannot read it', { cause })
  }
  const publicKey = checkedPublicKey(key)
  if (!equal(publicKey.spki, der)) throw new LocalError('KEY_FORMAT', 'not in DER, or bytes after it')
  return publicKey
}

/**
 * Reads a private key from PEM (`PRIVATE KEY` or `ENCRYPTED PRIVATE KEY`, PKCS#8).
 *
 * @throws LocalError KEY_FORMAT, KEY_TYPE, KEY_WEAK, KEY_PASSPHRASE
 */
export function readPrivateKey(pem: string | Uint8Array, passphrase?: string | Uint8Array): PrivateKey {
  const { label, der, text } = readPem(readText(pem))
  const encrypted = label === 'ENCRYPTED PRIVATE KEY'
  if (!encrypted && label !== 'PRIVATE KEY') {
    throw new LocalError('KEY_FORMAT', `a PEM block of type ${label}, not PRIVATE KEY`)
  }
  requireExactDer(der)
  if (encrypted && passphrase === undefined) throw new LocalError('KEY_PASSPHRASE')
  let key: KeyObject
  try {
    key = createPrivateKey({ key: text, format: 'pem', ...(encrypted && { passphrase: passphraseBytes(passphrase!) }) })
  } catch (cause) {
    throw encrypted ? new LocalError('KEY_PASSPHRASE') : new LocalError('KEY_FORMAT', 'OpenSSL cannot read it', { cause })
  }
  return checkedPrivateKey(key)
}

function passphraseBytes(passphrase: string | Uint8Array): string | Buffer {
  return typeof passphrase === 'string' ? passphrase : view(passphrase)
}

/** RSA sizes of section 1, in bits of the modulus. */
export type RsaBits = 2048 | 3072 | 4096

/** Makes a fresh private key; `bits` is for RSA alone, 3072 where it is not said. */
export function generatePrivateKey(algorithm: Algorithm = 'ed25519', bits: RsaBits = 3072): PrivateKey {
  switch (algorithm) {
    case 'ed25519':
      return checkedPrivateKey(generateKeyPairSync('ed25519').privateKey)
    case 'ml-dsa-65':
      return checkedPrivateKey(generateKeyPairSync('ml-dsa-65').privateKey)
    case 'rsa':
      return checkedPrivateKey(generateKeyPairSync('rsa', { modulusLength: bits, publicExponent: 0x10001 }).privateKey)
  }
}

/** A private key as PKCS#8 PEM, unencrypted. */
export function privateKeyPem(privateKey: PrivateKey): string {
  return privateKey.key.export({ format: 'pem', type: 'pkcs8' })
}

/** A public key as SPKI PEM. */
export function publicKeyPem(publicKey: PublicKey): string {
  return publicKey.key.export({ format: 'pem', type: 'spki' })
}

/** Holds a private KeyObject, from wherever it came, against the key rules. */
export function checkedPrivateKey(key: KeyObject): PrivateKey {
  const publicKey = checkedPublicKey(createPublicKey(key))
  if (publicKey.algorithm === 'ml-dsa-65') requireSeed(key)
  return { publicKey, key }
}

function requireSeed(key: KeyObject): void {
  try {
    key.export({ format: 'raw-seed' })
  } catch {
    throw new LocalError('KEY_FORMAT', 'an ML-DSA private key without its seed')
  }
}

const ML_DSA_65_SIGNATURE_LENGTH = 3309
const RSA_BITS: readonly number[] = [2048, 3072, 4096] satisfies RsaBits[]

/** Holds a public KeyObject against the key rules of section 1. */
function checkedPublicKey(key: KeyObject): PublicKey {
  const spki = key.export({ format: 'der', type: 'spki' })
  const id = sha256(spki)
  const fingerprint = `sha256//${view(id).toString('base64')}`
  const rules = (algorithm: Algorithm, signatureLength: number): PublicKey => {
    return { algorithm, id, fingerprint, spki, signatureLength, key }
  }
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      if (!isEd25519PointOfLargeOrder(spki.subarray(-32))) {
        throw new LocalError('KEY_WEAK', 'an Ed25519 point of small order, or not in canonical form')
      }
      return rules('ed25519', 64)
    case 'ml-dsa-65':
      return rules('ml-dsa-65', ML_DSA_65_SIGNATURE_LENGTH)
    case 'rsa': {
      const { modulusLength, publicExponent } = key.asymmetricKeyDetails!
      if (!RSA_BITS.includes(modulusLength!)) {
        throw new LocalError('KEY_TYPE', `RSA of ${modulusLength} bits, not 2048, 3072 or 4096`)
      }
      if (publicExponent !== 65537n) throw new LocalError('KEY_WEAK', `RSA with the exponent ${publicExponent}, not 65537`)
      return rules('rsa', modulusLength! / 8)
    }
    default:
      throw new LocalError('KEY_TYPE', `${key.asymmetricKeyType}, not Ed25519, RSA or ML-DSA-65`)
  }
}
