/** What our own checks do and spend, told apart from what OpenSSL does: node:crypto is watched here. */
import * as crypto from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { afterEach, expect, test, vi } from 'vitest'
import type { Mock } from 'vitest'
import { utf8 } from '../../src/bytes.ts'
import { xwing } from '../../src/crypto/kem.ts'
import { generatePrivateKey, publicKeyFromSpki } from '../../src/crypto/keys.ts'
import { verify, verifyStandIn } from '../../src/crypto/signature.ts'
import { spkiOf } from './key-files.ts'

vi.mock('node:crypto', { spy: true })
afterEach(() => vi.clearAllMocks())

const message = utf8('a message')

interface RsaInput {
  readonly key: KeyObject
  readonly padding: number
  readonly saltLength: number
}

test.for([
  [64, 'ed25519'],
  [256, 'rsa'],
  [384, 'rsa'],
  [512, 'rsa'],
  [3309, 'ml-dsa-65'],
] as const)('a signature of %i bytes is verified once, by a key of %s that itself meets the key rules', ([length, algorithm]) => {
  const signature = new Uint8Array(length).fill(1)
  verifyStandIn(message, signature)
  expect(crypto.verify).toHaveBeenCalledTimes(1)
  const [digest, signed, input, given] = vi.mocked(crypto.verify).mock.calls[0]!
  const key = algorithm === 'rsa' ? (input as RsaInput).key : (input as KeyObject)
  const standIn = publicKeyFromSpki(spkiOf(key))
  expect([standIn.algorithm, standIn.signatureLength]).toEqual([algorithm, length])
  expect([signed, given]).toEqual([message, signature])

  // The same call that the key of a known peer gets, so that both cost the same.
  verify(standIn, message, signature)
  const [ofPeer, ofStandIn] = vi
    .mocked(crypto.verify)
    .mock.calls.map(([digest, , input]) => [digest, { ...(input as RsaInput), key: undefined }])
  expect(ofPeer).toEqual(ofStandIn)
  expect(digest).toBe(algorithm === 'rsa' ? 'sha256' : null)
})

test.for([0, 1, 63, 65, 128, 255, 257, 3308, 3310, 4096])(
  'a signature of %i bytes is of no algorithm, and costs nothing',
  (length) => {
    verifyStandIn(message, new Uint8Array(length))
    expect(crypto.verify).not.toHaveBeenCalled()
  },
)

test('the stand-in is made once for each length', () => {
  const signature = new Uint8Array(3309)
  verifyStandIn(message, signature)
  vi.mocked(crypto.createPublicKey).mockClear()
  verifyStandIn(message, signature)
  expect(crypto.createPublicKey).not.toHaveBeenCalled()
})

test.for(['ed25519', 'ml-dsa-65'] as const)(
  'a signature of another length is refused by a key of %s before any verification',
  (algorithm) => {
    const { publicKey } = generatePrivateKey(algorithm)
    for (const length of [0, publicKey.signatureLength - 1, publicKey.signatureLength + 1]) {
      expect(verify(publicKey, message, new Uint8Array(length))).toBe(false)
    }
    expect(crypto.verify).not.toHaveBeenCalled()
    expect(verify(publicKey, message, new Uint8Array(publicKey.signatureLength))).toBe(false)
    expect(crypto.verify).toHaveBeenCalledTimes(1)
  },
)

test('an all-zero X25519 result is refused on both sides, also where OpenSSL would give it out', () => {
  const pair = xwing.generate()
  const { ciphertext } = xwing.encapsulate(pair.publicKey)!
  const dishonest = vi.mocked(crypto.diffieHellman) as unknown as Mock<() => Buffer>
  dishonest.mockReturnValueOnce(Buffer.alloc(32)).mockReturnValueOnce(Buffer.alloc(32))
  expect(xwing.encapsulate(pair.publicKey)).toBeUndefined()
  expect(pair.decapsulate(ciphertext)).toBeUndefined()
  expect(pair.decapsulate(ciphertext)).toBeDefined()
})
