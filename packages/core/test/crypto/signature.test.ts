import { sign as nodeSign } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, copy, hex, utf8 } from '../../src/bytes.ts'
import { generatePrivateKey, publicKeyFromSpki } from '../../src/crypto/keys.ts'
import { identity, pae, signatureContext, verify, verifyStandIn, wrap } from '../../src/crypto/signature.ts'
import { rsaPublicKey, spkiOf } from './key-files.ts'

const keys = {
  ed25519: generatePrivateKey('ed25519'),
  'rsa of 2048 bits': generatePrivateKey('rsa', 2048),
  'ml-dsa-65': generatePrivateKey('ml-dsa-65'),
}
const each = Object.entries(keys)
const message = utf8('a message')

describe.for(each)('an identity of %s', ([, privateKey]) => {
  const own = identity(privateKey)
  const { publicKey } = own

  test('signs what its public key verifies, with a signature of exactly its length', async () => {
    for (const text of [new Uint8Array(0), message, new Uint8Array(100_000)]) {
      const signature = await own.sign(text)
      expect(signature.length).toBe(publicKey.signatureLength)
      expect(verify(publicKey, text, signature)).toBe(true)
    }
  })

  test('does not verify another message, nor a signature with one bit changed', async () => {
    const signature = await own.sign(message)
    expect(verify(publicKey, utf8('A message'), signature)).toBe(false)
    fc.assert(
      fc.property(fc.nat(signature.length * 8 - 1), (bit) => {
        const changed = copy(signature)
        changed[bit >> 3]! ^= 1 << (bit & 7)
        expect(verify(publicKey, message, changed)).toBe(false)
      }),
    )
  })

  test('verifies no signature of another length, nor throws', async () => {
    const signature = await own.sign(message)
    const padded = concat(signature, new Uint8Array(16))
    const { signatureLength } = publicKey
    for (const length of [0, 1, 64, 256, 384, 512, 3309, signatureLength - 1, signatureLength + 1, signatureLength + 16]) {
      const verified = verify(publicKey, message, padded.subarray(0, length))
      expect(verified, `${length} bytes`).toBe(length === signatureLength)
    }
    expect(verify(publicKey, message, concat(new Uint8Array(1), signature))).toBe(false)
  })

  test('verifies no signature of any bytes, nor throws', () => {
    const { signatureLength } = publicKey
    const anySignature = fc.oneof(
      fc.uint8Array({ minLength: signatureLength, maxLength: signatureLength, size: 'max' }),
      fc.nat(255).map((byte) => new Uint8Array(signatureLength).fill(byte)),
      fc.uint8Array({ maxLength: 4000, size: 'max' }),
    )
    fc.assert(
      fc.property(anySignature, (signature) => {
        expect(verify(publicKey, message, signature)).toBe(false)
      }),
    )
  })

  test('unwraps only where it is RSA', () => {
    expect(own.unwrap !== undefined).toBe(publicKey.algorithm === 'rsa')
  })

  test("verifies with no other identity's key", async () => {
    const signature = await own.sign(message)
    for (const [, other] of each) expect(verify(other.publicKey, message, signature)).toBe(other === privateKey)
  })
})

test('an Ed25519 identity signs at once, so that its signatures need no turn of the event loop', () => {
  expect(identity(keys.ed25519).sign(message)).toBeInstanceOf(Uint8Array)
})

test('ML-DSA signatures are hedged: two of one message differ, and both verify', async () => {
  const own = identity(keys['ml-dsa-65'])
  const [a, b] = [await own.sign(message), await own.sign(message)]
  expect(hex(a)).not.toBe(hex(b))
  expect([verify(own.publicKey, message, a), verify(own.publicKey, message, b)]).toEqual([true, true])
})

test('an ML-DSA signature under a context verifies in vain: ours is empty', () => {
  const { key, publicKey } = keys['ml-dsa-65']
  const signature = nodeSign(null, message, { key, context: utf8('a context') })
  expect(signature.length).toBe(publicKey.signatureLength)
  expect(verify(publicKey, message, signature)).toBe(false)
  expect(verify(publicKey, message, nodeSign(null, message, { key, context: new Uint8Array(0) }))).toBe(true)
})

test('an RSA key that nobody could have made verifies nothing, and does not throw', () => {
  const spki = spkiOf(rsaPublicKey(2048, 65537))
  const modulusEnd = spki.length - 5 - 1
  spki[modulusEnd]! &= 0xfe
  const even = publicKeyFromSpki(spki)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 256, maxLength: 256, size: 'max' }), (signature) => {
      expect(verify(even, message, signature)).toBe(false)
    }),
  )
})

describe('RSA key transport', () => {
  const own = identity(keys['rsa of 2048 bits'])
  const { publicKey } = own
  const label = utf8('countersign/1 session key')
  const secret = new Uint8Array(32).fill(7)

  test('gives back the secret under its label, in a ciphertext of the length of the modulus', async () => {
    const wrapped = wrap(publicKey, secret, label)
    expect(wrapped.length).toBe(256)
    expect(hex((await own.unwrap!(wrapped, label))!)).toBe(hex(secret))
    expect(hex(wrap(publicKey, secret, label))).not.toBe(hex(wrapped))
  })

  test('gives nothing under another label, of another key or with any bit changed, and does not throw', async () => {
    const wrapped = wrap(publicKey, secret, label)
    expect(await own.unwrap!(wrapped, utf8('countersign/1 session kez'))).toBeUndefined()
    expect(await own.unwrap!(wrapped, new Uint8Array(0))).toBeUndefined()
    expect(await identity(generatePrivateKey('rsa', 2048)).unwrap!(wrapped, label)).toBeUndefined()
    await fc.assert(
      fc.asyncProperty(fc.nat(256 * 8 - 1), async (bit) => {
        const changed = copy(wrapped)
        changed[bit >> 3]! ^= 1 << (bit & 7)
        expect(await own.unwrap!(changed, label)).toBeUndefined()
      }),
    )
  })

  test('gives nothing for a ciphertext without its leading zero, though it is the same number', async () => {
    let wrapped = wrap(publicKey, secret, label)
    for (let i = 0; wrapped[0] !== 0 && i < 20_000; i++) wrapped = wrap(publicKey, secret, label)
    expect(wrapped[0]).toBe(0)
    expect(await own.unwrap!(wrapped, label)).toBeDefined()
    expect(await own.unwrap!(wrapped.subarray(1), label)).toBeUndefined()
  })

  test('gives nothing for bytes of any length', async () => {
    for (const length of [0, 1, 255, 256, 257, 512, 4096]) {
      expect(await own.unwrap!(new Uint8Array(length).fill(1), label)).toBeUndefined()
    }
  })
})

describe('PAE', () => {
  test('is what the examples of DSSE 1.0.2 say', () => {
    const encoded = pae('http://example.com/HelloWorld', utf8('hello world'))
    expect(Buffer.from(encoded).toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world')
    expect(Buffer.from(pae('', new Uint8Array(0))).toString()).toBe('DSSEv1 0  0 ')
  })

  test('counts bytes, not characters', () => {
    expect(Buffer.from(pae('é', utf8('ü🙂'))).toString()).toBe('DSSEv1 2 é 6 ü🙂')
  })

  test('no two pairs of type and payload have the same, wherever one ends and the other begins', () => {
    const tricky = fc.string({ unit: fc.constantFrom(' ', '0', '1', '2', 'a') })
    fc.assert(
      fc.property(tricky, tricky, tricky, tricky, (typeA, payloadA, typeB, payloadB) => {
        const same = typeA === typeB && payloadA === payloadB
        expect(hex(pae(typeA, utf8(payloadA))) === hex(pae(typeB, utf8(payloadB)))).toBe(same)
      }),
      { numRuns: 2000 },
    )
  })
})

test('a signature context is 64 spaces, the protocol and name, and a zero byte', () => {
  expect(Buffer.from(signatureContext('key swap')).toString('latin1')).toBe(`${' '.repeat(64)}countersign/1 key swap\0`)
})

describe('verification against a stand-in', () => {
  test('never throws, whatever the length and the bytes', () => {
    for (let length = 0; length <= 4096; length++) {
      expect(verifyStandIn(message, new Uint8Array(length).fill(length))).toBeUndefined()
    }
    const anyLength = fc.constantFrom(64, 256, 384, 512, 3309)
    const anySignature = anyLength.chain((length) => fc.uint8Array({ minLength: length, maxLength: length, size: 'max' }))
    fc.assert(
      fc.property(anySignature, fc.uint8Array(), (signature, message) => {
        expect(verifyStandIn(message, signature)).toBeUndefined()
      }),
    )
  })
})
