/** Identities whose signatures come at once, so that a whole handshake runs without waiting. */
import { constants, sign } from 'node:crypto'
import { type Algorithm, generatePrivateKey, type PrivateKey } from '../../src/crypto/keys.ts'
import { identity, type Identity } from '../../src/crypto/signature.ts'

export function signNow({ publicKey, key }: PrivateKey, message: Uint8Array): Uint8Array {
  if (publicKey.algorithm !== 'rsa') return sign(null, message, key)
  return sign('sha256', message, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
}

/** The identity of a key in this process; `signing` takes the place of its signatures. */
export function signer(
  privateKey: PrivateKey,
  signing: (message: Uint8Array) => Uint8Array = (m) => signNow(privateKey, m),
): Identity {
  return { ...identity(privateKey), sign: signing }
}

/** An identity with a fresh key; of RSA the smallest, which is made soonest. */
export function freshSigner(algorithm: Algorithm = 'ed25519'): Identity {
  return signer(generatePrivateKey(algorithm, 2048))
}
