/** The six identities of the vectors: each algorithm once on either side. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { hex } from '../../src/bytes.ts'
import { type Algorithm, checkedPrivateKey, generatePrivateKey, type PrivateKey, privateKeyPem } from '../../src/crypto/keys.ts'
import { fixed, type Tape } from './tape.ts'
import type { IdentityVector } from './read.ts'

export const ALGORITHMS: readonly Algorithm[] = ['ed25519', 'rsa', 'ml-dsa-65']

export type Identities = ReadonlyMap<string, PrivateKey>

export function makeIdentities(tape: Tape): Identities {
  const names = ['client', 'server'].flatMap((role) =>
    ALGORITHMS.map((algorithm) => [`${role} ${algorithm}`, algorithm] as const),
  )
  return new Map(names.map(([name, algorithm]) => [name, checkedPrivateKey(makeKey(tape, name, algorithm))]))
}

function makeKey(tape: Tape, name: string, algorithm: Algorithm): KeyObject {
  switch (algorithm) {
    case 'ed25519':
      return createPrivateKey({ key: fixed(name, 32), format: 'raw-private', asymmetricKeyType: 'ed25519' })
    case 'ml-dsa-65':
      return createPrivateKey({ key: fixed(name, 32), format: 'raw-seed', asymmetricKeyType: 'ml-dsa-65' })
    case 'rsa': {
      const make = (): Buffer => generatePrivateKey('rsa').key.export({ format: 'der', type: 'pkcs8' })
      return createPrivateKey({ key: Buffer.from(tape.take(name, make)), format: 'der', type: 'pkcs8' })
    }
  }
}

/** PKCS#8 of an ML-DSA-65 seed alone (RFC 9881), up to the seed. */
const ML_DSA_65_SEED = '3034020100300b060960864801650304031204228020'

/** Of ML-DSA the seed alone: some releases of Node write the expanded key beside it. */
function pemOf(key: PrivateKey): string {
  if (key.publicKey.algorithm !== 'ml-dsa-65') return privateKeyPem(key)
  const der = Buffer.concat([Buffer.from(ML_DSA_65_SEED, 'hex'), key.key.export({ format: 'raw-seed' })])
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64').replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END PRIVATE KEY-----\n`
}

export function identityVectors(identities: Identities): Record<string, IdentityVector> {
  return Object.fromEntries(
    Array.from(identities, ([name, key]) => {
      const { algorithm, spki, id } = key.publicKey
      return [name, { algorithm, privateKey: pemOf(key), spki: hex(spki), keyId: hex(id) }]
    }),
  )
}
