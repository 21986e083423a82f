import { expect, test } from 'vitest'
import { concat, hex } from '../../src/bytes.ts'
import { open, seal } from '../../src/crypto/aead.ts'
import { expand, extract } from '../../src/crypto/hash.ts'
import { wycheproof } from './vectors.ts'

test('AES-256-GCM seals and opens as Wycheproof says', async (context) => {
  const disagreements = await wycheproof(context, 'aes_gcm_test.json', (inputs, group) => {
    if (group.number('keySize') !== 256) return 'keys are 256 bits'
    if (group.number('ivSize') !== 96) return 'nonces are 96 bits'
    if (group.number('tagSize') !== 128) return 'tags are 128 bits'
    const key = { key: inputs.bytes('key'), iv: inputs.bytes('iv') }
    const aad = inputs.bytes('aad')
    const body = concat(inputs.bytes('ct'), inputs.bytes('tag'))
    const opened = open(key, 0, aad, body)
    if (opened === undefined) return false
    expect(hex(opened)).toBe(inputs.text('msg'))
    expect(hex(seal(key, 0, aad, opened))).toBe(hex(body))
    return true
  })
  expect(disagreements).toEqual([])
})

test('HKDF-SHA-256 derives what Wycheproof says', async (context) => {
  const disagreements = await wycheproof(context, 'hkdf_sha256_test.json', (inputs) => {
    const secret = extract(inputs.bytes('salt'), inputs.bytes('ikm'))
    let expanded: Uint8Array
    try {
      expanded = expand(secret, inputs.bytes('info'), inputs.number('size'))
    } catch (error) {
      if (error instanceof RangeError) return false
      throw error
    }
    expect(hex(expanded)).toBe(inputs.text('okm'))
    return true
  })
  expect(disagreements).toEqual([])
})
