/** Identities and the KEM, from the protocol's sections 1, 3 and 6. */
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  type KeyObject,
  privateDecrypt,
  verify as nodeVerify,
} from 'node:crypto'
import { type Bytes, cat, hash } from './primitives.ts'

export function spkiOf(privatePem: string): Buffer {
  return createPublicKey(privatePem).export({ format: 'der', type: 'spki' })
}

export function keyIdOf(privatePem: string): Buffer {
  return hash(spkiOf(privatePem))
}

export function verify(spki: Bytes, message: Bytes, signature: Bytes): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  if (key.asymmetricKeyType !== 'rsa') return nodeVerify(null, message, key, signature)
  return nodeVerify('sha256', message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, signature)
}

/** RSA-OAEP with SHA-256 and a label. */
export function unwrap(privatePem: string, label: Bytes, wrapped: Bytes): Buffer {
  const padding = constants.RSA_PKCS1_OAEP_PADDING
  return privateDecrypt({ key: privatePem, padding, oaepHash: 'sha256', oaepLabel: Buffer.from(label) }, wrapped)
}

export function isRsa(privatePem: string): boolean {
  return createPrivateKey(privatePem).asymmetricKeyType === 'rsa'
}

/** The client's half of X-Wing: the public key of its two private parts, and the shared secret of a ciphertext. */
export function xwing(
  mlkemSeed: Bytes,
  x25519Private: Bytes,
  ciphertext: Bytes,
): { readonly publicKey: Buffer; readonly sharedSecret: Buffer } {
  const mlkem = createPrivateKey({ key: mlkemSeed, format: 'raw-seed', asymmetricKeyType: 'ml-kem-768' })
  const x25519 = createPrivateKey({ key: x25519Private, format: 'raw-private', asymmetricKeyType: 'x25519' })
  const raw = (key: KeyObject): Buffer => createPublicKey(key).export({ format: 'raw-public' })
  const theirs = ciphertext.subarray(1088)
  const publicKey = createPublicKey({ key: theirs, format: 'raw-public', asymmetricKeyType: 'x25519' })
  const secrets = cat(decapsulate(mlkem, ciphertext.subarray(0, 1088)), diffieHellman({ privateKey: x25519, publicKey }))
  const input = cat(secrets, theirs, raw(x25519), '\\.//^\\')
  return { publicKey: cat(raw(mlkem), raw(x25519)), sharedSecret: createHash('sha3-256').update(input).digest() }
}
