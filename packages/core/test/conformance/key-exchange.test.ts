import { createHash, createPrivateKey, createPublicKey, diffieHellman, encapsulate, generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { concat, hex, utf8 } from '../../src/bytes.ts'
import { kemKeyPairFromParts, kemKeyPairFromSeed, xwing } from '../../src/crypto/kem.ts'
import type { KemKeyPair } from '../../src/crypto/kem.ts'
import { readPrivateKey } from '../../src/crypto/keys.ts'
import { identity } from '../../src/crypto/signature.ts'
import { Fields, vectors, wycheproof } from './vectors.ts'

/**
 * ML-KEM and X25519 stand behind X-Wing alone. A vector of either is one half of an X-Wing key pair whose other half
 * is fixed, and its secret shows in what the combiner of the draft makes of both.
 */
function combined(mlkemSecret: Uint8Array, x25519Secret: Uint8Array, ciphertext: Uint8Array, publicKey: Uint8Array): string {
  const input = concat(mlkemSecret, x25519Secret, ciphertext, publicKey, utf8('\\.//^\\'))
  return createHash('sha3-256').update(input).digest('hex')
}

const fixedSeed = new Uint8Array(64).fill(1)
const fixedScalar = new Uint8Array(32).fill(2)

test('X25519 agrees with Wycheproof, and refuses the all-zero result', async (context) => {
  const mlkem = encapsulate(
    createPublicKey(createPrivateKey({ key: fixedSeed, format: 'raw-seed', asymmetricKeyType: 'ml-kem-768' })),
  )
  const disagreements = await wycheproof(
    context,
    'x25519_test.json',
    (inputs) => {
      const pair = kemKeyPairFromParts(fixedSeed, inputs.bytes('private'))
      const theirs = inputs.bytes('public')
      const sharedSecret = pair.decapsulate(concat(mlkem.ciphertext, theirs))
      if (sharedSecret === undefined) return false
      const own = pair.publicKey.subarray(1184)
      expect(hex(sharedSecret)).toBe(combined(mlkem.sharedKey, inputs.bytes('shared'), theirs, own))
      return true
    },
    {
      accepts: (flags) => !flags.includes('ZeroSharedSecret'),
      rule: 'rejected where the shared secret is zero (section 4), else accepted: twist, not canonical (RFC 7748 section 7)',
    },
  )
  expect(disagreements).toEqual([])
})

test('ML-KEM-768 agrees with Wycheproof, implicit rejection included', async (context) => {
  const scalar = createPrivateKey({ key: fixedScalar, format: 'raw-private', asymmetricKeyType: 'x25519' })
  const ephemeral = generateKeyPairSync('x25519')
  const x25519Secret = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: createPublicKey(scalar) })
  const x25519Ciphertext = ephemeral.publicKey.export({ format: 'raw-public' })

  const disagreements = await wycheproof(context, 'mlkem_768_test.json', (inputs) => {
    let pair: KemKeyPair
    try {
      pair = kemKeyPairFromParts(inputs.bytes('seed'), fixedScalar)
    } catch {
      return false
    }
    const sharedSecret = pair.decapsulate(concat(inputs.bytes('c'), x25519Ciphertext))
    if (sharedSecret === undefined) return false
    expect(hex(pair.publicKey.subarray(0, 1184))).toBe(inputs.text('ek'))
    const own = pair.publicKey.subarray(1184)
    expect(hex(sharedSecret)).toBe(combined(inputs.bytes('K'), x25519Secret, x25519Ciphertext, own))
    const encapsulated = xwing.encapsulate(pair.publicKey)!
    expect(pair.decapsulate(encapsulated.ciphertext)).toEqual(encapsulated.sharedSecret)
    return true
  })
  expect(disagreements).toEqual([])
})

test("X-Wing makes the public key and shared secret of the draft's vectors", (context) => {
  const cases = (vectors(context, 'xwing.json') as unknown[]).map((each) => new Fields(each))
  expect(cases.length).toBeGreaterThan(0)
  for (const inputs of cases) {
    const pair = kemKeyPairFromSeed(inputs.bytes('seed'))
    expect(hex(pair.publicKey)).toBe(inputs.text('pk'))
    expect(hex(pair.decapsulate(inputs.bytes('ct'))!)).toBe(inputs.text('ss'))
  }
  console.log(
    [
      `xwing.json: ${cases.length} cases, 0 deviations`,
      `${cases.length} public keys of a seed, ${cases.length} decapsulations`,
      `${cases.length} encapsulations out of profile: OpenSSL draws its own randomness, so "eseed" cannot be given`,
    ].join('\n  '),
  )
})

test.for([2048, 3072])('RSAES-OAEP of %i bits unwraps as Wycheproof says', async (bits, context) => {
  const file = `rsa_oaep_${bits}_sha256_mgf1sha256_test.json`
  const disagreements = await wycheproof(context, file, async (inputs, group) => {
    const own = identity(readPrivateKey(group.text('privateKeyPem')))
    const secret = await own.unwrap!(inputs.bytes('ct'), inputs.bytes('label'))
    if (secret === undefined) return false
    expect(hex(secret)).toBe(inputs.text('msg'))
    return true
  })
  expect(disagreements).toEqual([])
})
