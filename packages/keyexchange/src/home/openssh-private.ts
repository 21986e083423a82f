/** Private keys as OpenSSH writes them: the format openssh-key-v1, as its file PROTOCOL.key describes it. */
import { checkedPrivateKey, Reader } from '@countersign/core/protocol'
import { LocalError, type PrivateKey } from '@countersign/core'
import bcrypt from 'bcrypt-pbkdf'
import { createDecipheriv, createPrivateKey, type webcrypto } from 'node:crypto'
import { base64url, unsigned } from './openssh.ts'
import type { AskPassphrase } from './own.ts'

const MAGIC = 'openssh-key-v1\0'

/** Key and iv lengths in bytes, by OpenSSH's name; Node's differ in nothing but the hyphen. */
const CIPHERS: Readonly<Record<string, { readonly name: string; readonly key: number }>> = {
  'aes256-ctr': { name: 'aes-256-ctr', key: 32 },
  'aes256-cbc': { name: 'aes-256-cbc', key: 32 },
  'aes128-ctr': { name: 'aes-128-ctr', key: 16 },
  'aes128-cbc': { name: 'aes-128-cbc', key: 16 },
}
const IV_LENGTH = 16

/**
 * Reads an OpenSSH private key.
 *
 * @throws LocalError KEY_FORMAT, KEY_TYPE, KEY_WEAK, KEY_PASSPHRASE
 */
export async function readOpenSshPrivateKey(file: string, path: string, ask: AskPassphrase): Promise<PrivateKey> {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END/.exec(file)?.[1] ?? ''
  const { cipher, kdf, kdfOptions, secret } = parse(() => container(new Reader(Buffer.from(body, 'base64'))))
  const plain = cipher === 'none' ? secret : decrypt(cipher, kdf, kdfOptions, secret, await ask(path))
  const reader = new Reader(plain)
  // Two equal numbers in front tell a right passphrase from a wrong one.
  if (parse(() => reader.uint(4) !== reader.uint(4))) throw new LocalError('KEY_PASSPHRASE')
  return parse(() => checkedPrivateKey(createPrivateKey({ key: privateJwk(reader), format: 'jwk' })))
}

function container(reader: Reader): { cipher: string; kdf: string; kdfOptions: Uint8Array; secret: Uint8Array } {
  if (Buffer.from(reader.take(MAGIC.length)).toString('latin1') !== MAGIC) throw new Error('another format')
  const [cipher, kdf, kdfOptions] = [text(reader), text(reader), field(reader)]
  if (reader.uint(4) !== 1) throw new LocalError('KEY_FORMAT', 'more than one key in the file')
  field(reader)
  return { cipher, kdf, kdfOptions, secret: field(reader) }
}

function decrypt(cipher: string, kdf: string, kdfOptions: Uint8Array, secret: Uint8Array, passphrase: string): Uint8Array {
  const known = CIPHERS[cipher]
  if (!known || kdf !== 'bcrypt') {
    throw new LocalError(
      'KEY_FORMAT',
      `an OpenSSH key under ${cipher}, which is not read here; \`ssh-keygen -p -Z aes256-ctr\` changes that`,
    )
  }
  const options = new Reader(kdfOptions)
  const salt = parse(() => field(options))
  const rounds = parse(() => options.uint(4))
  const derived = Buffer.alloc(known.key + IV_LENGTH)
  const words = Buffer.from(passphrase)
  if (bcrypt.pbkdf(words, words.length, salt, salt.length, derived, derived.length, rounds) !== 0)
    throw new LocalError('KEY_FORMAT')
  const decipher = createDecipheriv(known.name, derived.subarray(0, known.key), derived.subarray(known.key)).setAutoPadding(false)
  return parse(() => Buffer.concat([decipher.update(secret), decipher.final()]))
}

function privateJwk(reader: Reader): webcrypto.JsonWebKey {
  const type = text(reader)
  if (type === 'ssh-ed25519') {
    const [x, d] = [field(reader), field(reader).subarray(0, 32)]
    return { kty: 'OKP', crv: 'Ed25519', x: base64url(x), d: base64url(d) }
  }
  if (type !== 'ssh-rsa') throw new LocalError('KEY_TYPE', `${type} of OpenSSH, not ssh-ed25519 or ssh-rsa`)
  const [n, e, d, qi, p, q] = Array.from({ length: 6 }, () => unsigned(field(reader)))
  const parts = { n, e, d, p, q, dp: modulo(d!, p!), dq: modulo(d!, q!), qi }
  return { kty: 'RSA', ...Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, base64url(value!)])) }
}

/** d modulo (prime - 1), which OpenSSH leaves out. */
function modulo(d: Uint8Array, prime: Uint8Array): Uint8Array {
  const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  const digits = (number(d) % (number(prime) - 1n)).toString(16)
  return Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex')
}

function field(reader: Reader): Uint8Array {
  return reader.take(reader.uint(4))
}

function text(reader: Reader): string {
  return Buffer.from(field(reader)).toString()
}

function parse<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof LocalError) throw error
    throw new LocalError('KEY_FORMAT', 'a key of OpenSSH that is damaged', { cause: error })
  }
}
