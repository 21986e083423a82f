import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hex } from '../../src/bytes.ts'
import { isError, LocalError } from '../../src/errors.ts'
import type { LocalErrorCode } from '../../src/errors.ts'
import {
  checkedPrivateKey,
  generatePrivateKey,
  privateKeyPem,
  publicKeyFromSpki,
  publicKeyPem,
  readPrivateKey,
  readPublicKey,
} from '../../src/crypto/keys.ts'
import { encodePoint, ENCODINGS_NOT_CANONICAL, SMALL_ORDER_POINTS } from './edwards25519.ts'
import { ed25519Spki, pemOf, privatePem, publicPem, rsaPublicKey, spkiOf } from './key-files.ts'

const ed25519 = generateKeyPairSync('ed25519')
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const mlDsa = generateKeyPairSync('ml-dsa-65')
const ed25519Der = ed25519.privateKey.export({ format: 'der', type: 'pkcs8' })

/** The stable code with which a key file is refused. */
function refusal(read: () => unknown): LocalErrorCode | 'accepted' {
  try {
    read()
    return 'accepted'
  } catch (error) {
    if (error instanceof LocalError) return error.code
    throw error
  }
}

describe('a key of each algorithm', () => {
  test.for([
    ['ed25519', ed25519, 64],
    ['rsa', rsa, 256],
    ['ml-dsa-65', mlDsa, 3309],
  ] as const)('%s is read from its files, private and public, as one identity', ([algorithm, pair, signatureLength]) => {
    const own = readPrivateKey(privatePem(pair.privateKey))
    const peer = readPublicKey(publicPem(pair.publicKey))
    expect(peer.algorithm).toBe(algorithm)
    expect(peer.signatureLength).toBe(signatureLength)
    expect(hex(own.publicKey.id)).toBe(hex(peer.id))
    expect(hex(own.publicKey.spki)).toBe(hex(spkiOf(pair.publicKey)))
  })

  test.for([
    ['ed25519', undefined, 64],
    ['rsa', 2048, 256],
    ['rsa', undefined, 384],
    ['ml-dsa-65', undefined, 3309],
  ] as const)('%s (%s bits) is generated, written and read back', ([algorithm, bits, signatureLength]) => {
    const own = generatePrivateKey(algorithm, bits)
    expect(own.publicKey.signatureLength).toBe(signatureLength)
    const pem = privateKeyPem(own)
    expect(privateKeyPem(readPrivateKey(pem))).toBe(pem)
    expect(hex(readPublicKey(publicKeyPem(own.publicKey)).id)).toBe(hex(own.publicKey.id))
  })

  test('is Ed25519 where nothing is said, and no two are the same', () => {
    const [a, b] = [generatePrivateKey(), generatePrivateKey()]
    expect(a.publicKey.algorithm).toBe('ed25519')
    expect(hex(a.publicKey.id)).not.toBe(hex(b.publicKey.id))
  })

  test('has as its id the SHA-256 of its SPKI, written as curl writes a pin', () => {
    const digest = createHash('sha256').update(spkiOf(rsa.publicKey)).digest()
    const { id, fingerprint } = publicKeyFromSpki(spkiOf(rsa.publicKey))
    expect(hex(id)).toBe(digest.toString('hex'))
    expect(fingerprint).toBe(`sha256//${digest.toString('base64')}`)
    expect(fingerprint).toMatch(/^sha256\/\/[A-Za-z0-9+/]{43}=$/)
  })
})

describe('a PEM file', () => {
  const pub = publicPem(ed25519.publicKey)
  const priv = privatePem(ed25519.privateKey)

  test('may have text around its block, Windows line ends, and be bytes or a string', () => {
    const { id } = readPublicKey(pub)
    for (const file of [`name: alice\nsince: today\n\n${pub}\nmore\n`, pub.replaceAll('\n', '\r\n'), pub.trimEnd()]) {
      expect(hex(readPublicKey(file).id)).toBe(hex(id))
      expect(hex(readPublicKey(Buffer.from(file)).id)).toBe(hex(id))
    }
    expect(hex(readPrivateKey(Buffer.from(`text\n${priv.replaceAll('\n', '\r\n')}`)).publicKey.id)).toBe(hex(id))
  })

  test.for([
    ['nothing', ''],
    ['text alone', 'this is no key\n'],
    ['bytes that are no text', Uint8Array.of(0xff, 0xfe, 0x00)],
    ['two public keys', pub + pub],
    ['a public key and a certificate', pub + pemOf('CERTIFICATE', ed25519Der)],
    ['a public key and the beginning of another', pub + pub.split('\n')[0]],
    ['a block that is cut short', pub.replace(/-----END[^]*/, '')],
    ['a block with another end', pub.replace('END PUBLIC KEY', 'END CERTIFICATE')],
    ['an empty block', pemOf('PUBLIC KEY', new Uint8Array(0))],
    ['a certificate', pemOf('CERTIFICATE', spkiOf(ed25519.publicKey))],
    ['RSA in PKCS#1', rsa.publicKey.export({ format: 'pem', type: 'pkcs1' })],
    ['a private key that says it is public', pemOf('PUBLIC KEY', ed25519Der)],
    ['garbage in base64', pemOf('PUBLIC KEY', new Uint8Array(44).fill(0x30))],
  ] as const)('with %s is no public key', ([, file]) => {
    expect(refusal(() => readPublicKey(file))).toBe('KEY_FORMAT')
  })

  test.for([
    ['nothing', ''],
    ['a public key', pub],
    ['two private keys', priv + priv],
    ['a private and a public key', priv + pub],
    ['RSA in PKCS#1', rsa.privateKey.export({ format: 'pem', type: 'pkcs1' })],
    ['a public key that says it is private', pemOf('PRIVATE KEY', spkiOf(ed25519.publicKey))],
    ['bytes after the DER', pemOf('PRIVATE KEY', Buffer.concat([ed25519Der, Buffer.alloc(1)]))],
    ['DER that is cut short', pemOf('PRIVATE KEY', ed25519Der.subarray(0, -1))],
    ['garbage in base64', pemOf('PRIVATE KEY', new Uint8Array(44).fill(0x30))],
  ] as const)('with %s is no private key', ([, file]) => {
    expect(refusal(() => readPrivateKey(file))).toBe('KEY_FORMAT')
  })

  test('of any content is a key, or is refused with a code of this package', () => {
    const label = fc.constantFrom('PUBLIC KEY', 'PRIVATE KEY', 'ENCRYPTED PRIVATE KEY')
    const file = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.tuple(label, fc.uint8Array()).map(([label, der]) => pemOf(label, der)),
      fc
        .tuple(fc.nat(43), fc.nat(255))
        .map(([at, byte]) => pemOf('PUBLIC KEY', Uint8Array.from(spkiOf(ed25519.publicKey)).with(at, byte))),
      fc
        .tuple(fc.nat(ed25519Der.length - 1), fc.nat(255))
        .map(([at, byte]) => pemOf('PRIVATE KEY', Uint8Array.from(ed25519Der).with(at, byte))),
    )
    const answers = /^(accepted|KEY_FORMAT|KEY_TYPE|KEY_WEAK|KEY_PRIVATE|KEY_PASSPHRASE)$/
    fc.assert(
      fc.property(file, (file) => {
        expect(refusal(() => readPublicKey(file))).toMatch(answers)
        expect(refusal(() => readPrivateKey(file, 'passphrase'))).toMatch(answers)
      }),
      { numRuns: 100 },
    )
  })
})

describe('a private key among the peers is refused as such', () => {
  const pub = publicPem(ed25519.publicKey)
  const priv = privatePem(ed25519.privateKey)
  const legacy = rsa.privateKey.export({ format: 'pem', type: 'pkcs1', cipher: 'aes-256-cbc', passphrase: 'secret' })

  test.for([
    ['alone', priv],
    ['encrypted', privatePem(ed25519.privateKey, 'secret')],
    ['in PKCS#1', rsa.privateKey.export({ format: 'pem', type: 'pkcs1' })],
    ['in PKCS#1, encrypted', legacy],
    ["in OpenSSH's form", pemOf('OPENSSH PRIVATE KEY', new Uint8Array(80))],
    ['after a public key', pub + priv],
    ['before a public key', priv + pub],
    ['encrypted in PKCS#1, after a public key', pub + legacy],
    ['cut short, after a public key', pub + priv.split('\n').slice(0, 2).join('\n')],
  ] as const)('%s', ([, file]) => {
    expect(refusal(() => readPublicKey(file))).toBe('KEY_PRIVATE')
  })
})

describe('an encrypted private key', () => {
  const file = privatePem(ed25519.privateKey, 'correct horse')

  test('opens under its passphrase, as a string or bytes', () => {
    for (const passphrase of ['correct horse', Buffer.from('correct horse')]) {
      expect(hex(readPrivateKey(file, passphrase).publicKey.spki)).toBe(hex(spkiOf(ed25519.publicKey)))
    }
  })

  test.for([undefined, '', 'wrong', 'correct horse ', 'x'.repeat(5000)])(
    'stays closed under %j, and the error says neither',
    (passphrase) => {
      let error: unknown
      try {
        readPrivateKey(file, passphrase)
      } catch (thrown) {
        error = thrown
      }
      expect(isError(error, 'KEY_PASSPHRASE')).toBe(true)
      const { message, cause } = error as LocalError
      expect(message).toBe('the passphrase is missing or wrong')
      expect(cause).toBeUndefined()
    },
  )

  test('meets the same rules once it is open', () => {
    const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    expect(refusal(() => readPrivateKey(privatePem(p256, 'secret'), 'secret'))).toBe('KEY_TYPE')
  })
})

describe('DER', () => {
  const spki = spkiOf(ed25519.publicKey)
  const rsaSpki = spkiOf(rsa.publicKey)
  /** With `added` bytes put at `at`, and the lengths at `lengths`, of two bytes each, made to fit. */
  function grown(der: Buffer, at: number, added: readonly number[], lengths: readonly number[]): Buffer {
    const longer = Buffer.concat([der.subarray(0, at), Buffer.from(added), der.subarray(at)])
    for (const length of lengths) longer.writeUInt16BE(der.readUInt16BE(length) + added.length, length)
    return longer
  }

  test.for([
    ['empty', Buffer.alloc(0)],
    ['one byte', Buffer.of(0x30)],
    ['an empty sequence', Buffer.of(0x30, 0)],
    ['a byte after it', Buffer.concat([spki, Buffer.of(0)])],
    ['another key after it', Buffer.concat([spki, spki])],
    ['indefinite length', Buffer.concat([Buffer.of(0x30, 0x80), spki.subarray(2), Buffer.of(0, 0)])],
    ['a length of more bytes than it needs', Buffer.concat([Buffer.of(0x30, 0x81, 0x2a), spki.subarray(2)])],
    ['a length of four bytes', Buffer.concat([Buffer.of(0x30, 0x84, 0, 0, 0, 0x2a), spki.subarray(2)])],
    ['a length past its end', Buffer.concat([Buffer.of(0x30, 0x2b), spki.subarray(2)])],
    ['a byte after the RSA key, inside its bit string', grown(rsaSpki, rsaSpki.length, [0], [2, 21])],
    ['PKCS#8', ed25519Der],
  ] as const)('of a public key is refused: %s', ([, der]) => {
    expect(refusal(() => publicKeyFromSpki(der))).toBe('KEY_FORMAT')
  })

  test('cut short at any byte is refused', () => {
    for (let length = 0; length < spki.length; length++) {
      expect(refusal(() => publicKeyFromSpki(spki.subarray(0, length)))).toBe('KEY_FORMAT')
    }
  })

  test.for([
    ['indefinite length', Buffer.concat([Buffer.of(0x30, 0x80), ed25519Der.subarray(2), Buffer.of(0, 0)])],
    ['a length of five bytes', Buffer.concat([Buffer.of(0x30, 0x85, 0, 0, 0, 0, 0x2e), ed25519Der.subarray(2)])],
    ['a length that is cut short', Buffer.of(0x30, 0x82, 0x01)],
  ] as const)('of a private key is refused: %s', ([, der]) => {
    expect(refusal(() => readPrivateKey(pemOf('PRIVATE KEY', der)))).toBe('KEY_FORMAT')
  })
})

describe('a key of another type or size is refused', () => {
  test.for([
    ['ECDSA P-256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['Ed448', () => generateKeyPairSync('ed448')],
    ['X25519', () => generateKeyPairSync('x25519')],
    ['RSASSA-PSS by its own OID', () => generateKeyPairSync('rsa-pss', { modulusLength: 2048 })],
    ['RSA of 1024 bits', () => generateKeyPairSync('rsa', { modulusLength: 1024 })],
    ['ML-DSA-44', () => generateKeyPairSync('ml-dsa-44')],
    ['ML-DSA-87', () => generateKeyPairSync('ml-dsa-87')],
    ['ML-KEM-768', () => generateKeyPairSync('ml-kem-768')],
  ] as const satisfies [string, () => { publicKey: KeyObject; privateKey: KeyObject }][])('%s', ([, generate]) => {
    const { publicKey, privateKey } = generate()
    expect(refusal(() => readPublicKey(publicPem(publicKey)))).toBe('KEY_TYPE')
    expect(refusal(() => readPrivateKey(privatePem(privateKey)))).toBe('KEY_TYPE')
    expect(refusal(() => checkedPrivateKey(privateKey))).toBe('KEY_TYPE')
  })

  test.for([512, 1024, 2040, 2047, 2049, 2056, 3071, 3073, 4095, 4097, 8192, 16384])('RSA of %i bits', (bits) => {
    const key = rsaPublicKey(bits, 65537)
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(bits)
    expect(refusal(() => publicKeyFromSpki(spkiOf(key)))).toBe('KEY_TYPE')
  })

  test.for([2048, 3072, 4096])('but not RSA of %i bits', (bits) => {
    expect(publicKeyFromSpki(spkiOf(rsaPublicKey(bits, 65537))).signatureLength).toBe(bits / 8)
  })
})

describe('a weak key is refused', () => {
  test.for([1, 3, 17, 65536, 65539])('RSA with the exponent %i', (exponent) => {
    const key = rsaPublicKey(2048, exponent)
    expect(key.asymmetricKeyDetails?.publicExponent).toBe(BigInt(exponent))
    expect(refusal(() => readPublicKey(publicPem(key)))).toBe('KEY_WEAK')
  })

  test('RSA with the exponent 3, as a private key', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })
    expect(refusal(() => readPrivateKey(privatePem(privateKey)))).toBe('KEY_WEAK')
  })

  test('Ed25519 points: the eight of small order, all encodings that are not canonical, and what is off the curve', () => {
    const offCurve = [2, 7, 8].map((y) => new Uint8Array(32).with(0, y))
    for (const point of [...SMALL_ORDER_POINTS.map(encodePoint), ...ENCODINGS_NOT_CANONICAL, ...offCurve]) {
      expect(
        refusal(() => publicKeyFromSpki(ed25519Spki(point))),
        hex(point),
      ).toBe('KEY_WEAK')
      expect(
        refusal(() => readPublicKey(pemOf('PUBLIC KEY', ed25519Spki(point)))),
        hex(point),
      ).toBe('KEY_WEAK')
    }
  })
})

describe('an ML-DSA private key', () => {
  /** Made of the seed of 32 zero bytes, and without it. */
  const withoutSeed = readFileSync(new URL('ml-dsa-65-without-seed.pem', import.meta.url), 'utf8')

  test('without its seed is refused, though OpenSSL reads it', () => {
    const key = createPrivateKey(withoutSeed)
    const seeded = createPrivateKey({ key: new Uint8Array(32), format: 'raw-seed', asymmetricKeyType: 'ml-dsa-65' })
    expect(spkiOf(createPublicKey(key))).toEqual(spkiOf(createPublicKey(seeded)))
    expect(refusal(() => readPrivateKey(withoutSeed))).toBe('KEY_FORMAT')
    expect(refusal(() => readPrivateKey(privatePem(seeded)))).toBe('accepted')
  })
})
