/**
 * What node:crypto and Node's sockets do that their callers would not expect. Each test shows the trap in the naive
 * call, and then that ours is not caught in it. Where a version of Node or OpenSSL has mended a trap, the test says so.
 */
import {
  constants,
  createDecipheriv,
  createPublicKey,
  generateKeyPairSync,
  privateDecrypt,
  publicEncrypt,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { concat, copy, equal, hex, utf8 } from '../../src/bytes.ts'
import { LocalError } from '../../src/errors.ts'
import { aeadKey, open, Opener, seal } from '../../src/crypto/aead.ts'
import { label, sha256 } from '../../src/crypto/hash.ts'
import { xwing } from '../../src/crypto/kem.ts'
import { checkedPrivateKey, publicKeyFromSpki, readPublicKey } from '../../src/crypto/keys.ts'
import { identity, verify, wrap } from '../../src/crypto/signature.ts'
import { encodePoint, SMALL_ORDER_POINTS } from './edwards25519.ts'
import { ed25519Spki, privatePem, publicPem, rsaPublicKey, spkiOf } from './key-files.ts'

const message = utf8('a message')
const ed25519 = generateKeyPairSync('ed25519')
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const nothing = new Uint8Array(0)

/** Asserts that the naive call is caught; only of a trap that is known to be mended somewhere may it be otherwise. */
function naiveIsCaught(caught: boolean, mended?: string): void {
  if (!caught && mended !== undefined) {
    console.log(`mended in Node ${process.versions.node} with OpenSSL ${process.versions.openssl}: ${mended}`)
  }
  expect(caught || mended !== undefined, 'the naive call has the trap').toBe(true)
}

function succeeds(call: () => unknown): boolean {
  try {
    call()
    return true
  } catch {
    return false
  }
}

test('1 bytes after the DER are ignored; ours refuses them, and ids are of the SPKI exported anew', () => {
  const spki = spkiOf(ed25519.publicKey)
  const longer = concat(spki, utf8('more'))
  const naive = createPublicKey({ key: Buffer.from(longer), format: 'der', type: 'spki' })
  naiveIsCaught(naive.equals(ed25519.publicKey) && !equal(sha256(longer), sha256(spki)))

  expect(() => publicKeyFromSpki(longer)).toThrow(LocalError)
  expect(hex(publicKeyFromSpki(spki).id)).toBe(hex(sha256(spki)))
})

describe('AES-GCM', () => {
  const key = aeadKey(new Uint8Array(32).fill(1))
  const body = seal(key, 0, nothing, message)
  const [ciphertext, tag] = [body.subarray(0, -16), body.subarray(-16)]

  test('2 a tag of 4 bytes is taken; ours takes 16', () => {
    const naive = createDecipheriv('aes-256-gcm', key.key, key.iv)
    naiveIsCaught(
      succeeds(() => {
        naive.setAuthTag(tag.subarray(0, 4))
        naive.update(ciphertext)
        naive.final()
      }),
      'tags are 16 bytes where nothing else is said',
    )

    const opener = new Opener(key, 0, nothing)
    opener.update(ciphertext)
    expect(opener.finish(tag.subarray(0, 4))).toBeUndefined()
    expect(open(key, 0, nothing, concat(ciphertext, tag.subarray(0, 4)))).toBeUndefined()
    expect(Buffer.from(open(key, 0, nothing, body)!).toString()).toBe('a message')
  })

  test('3 plaintext is handed out before the tag is checked; ours holds it back', () => {
    const forged = copy(ciphertext)
    forged[0]! ^= 1
    const naive = createDecipheriv('aes-256-gcm', key.key, key.iv, { authTagLength: 16 })
    naiveIsCaught(naive.update(forged).toString() === '` message')

    const opener = new Opener(key, 0, nothing)
    expect(opener.update(forged)).toBeUndefined()
    expect(opener.finish(tag)).toBeUndefined()
  })

  test('9 a read of a socket is at most 64 KiB and splits a frame; ours opens it piece by piece', async () => {
    const sealed = seal(key, 1, nothing, new Uint8Array(65_537).fill(7))
    const server = createServer((socket) => socket.end(sealed)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const reads: Uint8Array[] = []
    for await (const read of connect((server.address() as AddressInfo).port, '127.0.0.1')) reads.push(read as Uint8Array)
    server.close()

    naiveIsCaught(reads.length > 1 && open(key, 1, nothing, reads[0]!) === undefined)

    const opener = new Opener(key, 1, nothing)
    let left = sealed.length - 16
    const tagged: Uint8Array[] = []
    for (const read of reads) {
      opener.update(read.subarray(0, left))
      tagged.push(read.subarray(left))
      left -= Math.min(left, read.length)
    }
    const pieces = opener.finish(concat(...tagged))!
    expect(pieces.length).toBeGreaterThan(1)
    expect(concat(...pieces)).toEqual(new Uint8Array(65_537).fill(7))
  })
})

describe('4 the defaults of RSA', () => {
  const own = checkedPrivateKey(rsa.privateKey)
  const padding = constants.RSA_PKCS1_PSS_PADDING

  test.for([0, 20, 31, 33, 222])(
    'PSS without a salt length verifies with a salt of %i bytes; ours takes 32',
    async (saltLength) => {
      const signature = nodeSign('sha256', message, { key: rsa.privateKey, padding, saltLength })
      naiveIsCaught(nodeVerify('sha256', message, { key: rsa.publicKey, padding }, signature))

      expect(verify(own.publicKey, message, signature)).toBe(false)
      const ours = await identity(own).sign(message)
      expect(nodeVerify('sha256', message, { key: rsa.publicKey, padding, saltLength: 32 }, ours)).toBe(true)
    },
  )

  test('signatures are PKCS#1 v1.5; ours are PSS, and nothing else verifies', async () => {
    const signature = nodeSign('sha256', message, rsa.privateKey)
    const pkcs1 = { key: rsa.publicKey, padding: constants.RSA_PKCS1_PADDING }
    naiveIsCaught(nodeVerify('sha256', message, pkcs1, signature))

    expect(verify(own.publicKey, message, signature)).toBe(false)
    expect(nodeVerify('sha256', message, pkcs1, await identity(own).sign(message))).toBe(false)
  })

  test('OAEP is over SHA-1; ours is over SHA-256, both ways', async () => {
    const sha1 = publicEncrypt({ key: rsa.publicKey, oaepLabel: utf8('label') }, message)
    const opened = privateDecrypt({ key: rsa.privateKey, oaepHash: 'sha1', oaepLabel: utf8('label') }, sha1)
    naiveIsCaught(equal(opened, message))

    expect(await identity(own).unwrap!(sha1, utf8('label'))).toBeUndefined()
    const ours = wrap(own.publicKey, message, utf8('label'))
    const oaep = { key: rsa.privateKey, oaepLabel: utf8('label') }
    expect(succeeds(() => privateDecrypt({ ...oaep, oaepHash: 'sha1' }, ours))).toBe(false)
    expect(hex(privateDecrypt({ ...oaep, oaepHash: 'sha256' }, ours))).toBe(hex(message))
  })
})

describe('5 keys that OpenSSL loads', () => {
  test('RSA of 512 bits loads without a word; ours refuses it', () => {
    const pem = publicPem(rsaPublicKey(512, 65537))
    naiveIsCaught(createPublicKey(pem).asymmetricKeyDetails?.modulusLength === 512)

    expect(() => readPublicKey(pem)).toThrow('RSA of 512 bits')
  })

  test('an rsa-pss key loads, and then cannot do OAEP; ours refuses it at once', () => {
    const pem = publicPem(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey)
    const naive = createPublicKey(pem)
    naiveIsCaught(!succeeds(() => publicEncrypt({ key: naive, oaepHash: 'sha256' }, message)))

    expect(() => readPublicKey(pem)).toThrow('rsa-pss')
  })
})

test('6 verify with a callback answers undefined, which is not false; ours answers true or false', async () => {
  const forged = new Uint8Array(64)
  const answered = Promise.withResolvers<boolean>()
  const answer: unknown = nodeVerify(null, message, ed25519.publicKey, forged, (error, result) => {
    if (error) answered.reject(error)
    else answered.resolve(result)
  })
  naiveIsCaught(answer !== false)
  expect(await answered.promise).toBe(false)

  const own = checkedPrivateKey(ed25519.privateKey)
  expect(verify(own.publicKey, message, forged)).toBe(false)
  expect(verify(own.publicKey, message, await identity(own).sign(message))).toBe(true)
})

test('7 a private key loads as a public one; ours refuses it among the peers', () => {
  const pem = privatePem(ed25519.privateKey)
  naiveIsCaught(createPublicKey(pem).equals(ed25519.publicKey))

  expect(() => readPublicKey(pem)).toThrow(new LocalError('KEY_PRIVATE'))
})

test("8 a short view keeps a socket's 64 KiB alive, Buffer's slice too; ours has memory of its own", () => {
  const read = Buffer.alloc(65_536)
  naiveIsCaught(read.subarray(0, 32).buffer.byteLength === 65_536 && read.slice(0, 32).buffer.byteLength === 65_536)

  expect(copy(read.subarray(0, 32)).buffer.byteLength).toBe(32)
  const { id, spki } = readPublicKey(Buffer.from(publicPem(ed25519.publicKey)))
  const { publicKey } = xwing.generate()
  const { ciphertext, sharedSecret } = xwing.encapsulate(publicKey)!
  const { key, iv } = aeadKey(read.subarray(0, 32))
  expect([key.buffer, iv.buffer.byteLength]).toEqual([iv.buffer, 32 + 12])
  for (const lasting of [id, spki, publicKey, ciphertext, sharedSecret, label(id, 'key', nothing, 32), concat(id)]) {
    expect(lasting.buffer.byteLength).toBeLessThanOrEqual(Math.max(lasting.length, 32))
  }
})

describe('12 keys that anyone can sign for', () => {
  /** EMSA-PSS (RFC 8017 section 9.1.1) for a modulus of 2048 bits, SHA-256, a salt of 32 zero bytes. */
  function pssEncoding(message: Uint8Array): Uint8Array {
    const salt = new Uint8Array(32)
    const digest = sha256(new Uint8Array(8), sha256(message), salt)
    const block = concat(new Uint8Array(256 - 32 - 32 - 2), Uint8Array.of(1), salt)
    const mask = concat(...Array.from({ length: 7 }, (_, i) => sha256(digest, Uint8Array.of(0, 0, 0, i))))
    const masked = block.map((byte, i) => byte ^ mask[i]!)
    masked[0]! &= 0x7f
    return concat(masked, digest, Uint8Array.of(0xbc))
  }

  test('RSA with e = 1: the encoded message is its own signature; ours refuses the key', () => {
    const key = rsaPublicKey(2048, 1)
    const input = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
    naiveIsCaught(nodeVerify('sha256', message, input, pssEncoding(message)))

    expect(() => publicKeyFromSpki(spkiOf(key))).toThrow('RSA with the exponent 1')
  })

  test('Ed25519 of small order loads, and verifies what nobody signed; ours refuses all eight', () => {
    const spkis = SMALL_ORDER_POINTS.map((point) => ed25519Spki(encodePoint(point)))
    const naive = spkis.map((spki): KeyObject => createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }))
    naiveIsCaught(naive.every((key) => key.asymmetricKeyType === 'ed25519'))
    // R = the neutral element, S = 0: it holds where the hash is a multiple of the key's order.
    const forged = concat(encodePoint({ x: 0n, y: 1n }), new Uint8Array(32))
    const messages = Array.from({ length: 64 }, (_, i) => Uint8Array.of(i))
    const signed = naive.every((key) => messages.some((message) => nodeVerify(null, message, key, forged)))
    naiveIsCaught(signed, 'a key of small order loads, and verifies nothing')

    for (const spki of spkis) expect(() => publicKeyFromSpki(spki)).toThrow('small order')
  })
})

test('13 the SPKI export of an ephemeral key costs several raw ones; ours is raw, and the same bytes', () => {
  const ephemeral = createPublicKey(generateKeyPairSync('x25519').privateKey)
  const raw = ephemeral.export({ format: 'raw-public' })
  naiveIsCaught(equal(spkiOf(ephemeral).subarray(-32), raw))

  using exported = vi.spyOn(Object.getPrototypeOf(ephemeral) as KeyObject, 'export')
  xwing.encapsulate(xwing.generate().publicKey)
  expect(exported.mock.calls).toEqual([[{ format: 'raw-public' }], [{ format: 'raw-public' }], [{ format: 'raw-public' }]])
})
