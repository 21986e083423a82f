import { expect, test } from 'vitest'
import { LocalError } from '../../src/errors.ts'
import { publicKeyFromSpki, readPublicKey } from '../../src/crypto/keys.ts'
import type { PublicKey } from '../../src/crypto/keys.ts'
import { verify } from '../../src/crypto/signature.ts'
import { wycheproof } from './vectors.ts'
import type { Fields } from './vectors.ts'

/** Reads the key and verifies, as a peer's would be: a key that the key rules refuse accepts nothing. */
function accepts(readKey: () => PublicKey, inputs: Fields): boolean {
  let key: PublicKey
  try {
    key = readKey()
  } catch (error) {
    if (error instanceof LocalError) return false
    throw error
  }
  return verify(key, inputs.bytes('msg'), inputs.bytes('sig'))
}

test('Ed25519 verifies as Wycheproof says', async (context) => {
  const disagreements = await wycheproof(context, 'ed25519_test.json', (inputs, group) =>
    accepts(() => readPublicKey(group.text('publicKeyPem')), inputs),
  )
  expect(disagreements).toEqual([])
})

test.for([2048, 3072])('RSASSA-PSS of %i bits verifies as Wycheproof says', async (bits, context) => {
  const disagreements = await wycheproof(context, `rsa_pss_${bits}_sha256_mgf1_32_test.json`, (inputs, group) =>
    accepts(() => readPublicKey(group.text('publicKeyPem')), inputs),
  )
  expect(disagreements).toEqual([])
})

test('ML-DSA-65 verifies as Wycheproof says', async (context) => {
  const disagreements = await wycheproof(context, 'mldsa_65_verify_test.json', (inputs, group) => {
    if (inputs.has('ctx') && inputs.text('ctx') !== '') return 'the context is always empty (section 1)'
    return accepts(() => publicKeyFromSpki(group.bytes('publicKeyDer')), inputs)
  })
  expect(disagreements).toEqual([])
})
