/** Key files as tests want them, good ones and bad ones, straight from node:crypto. */
import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

export function publicPem(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'spki' })
}

export function privatePem(key: KeyObject, passphrase?: string): string {
  const encryption = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }
  return key.export({ format: 'pem', type: 'pkcs8', ...encryption })
}

export function pemOf(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

export function spkiOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' })
}

/** The SPKI of 32 bytes that say they are an Ed25519 point (RFC 8410 section 4). */
export function ed25519Spki(point: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), point])
}

/** An RSA public key whose modulus nobody factored: the size and exponent are what a test is about. */
export function rsaPublicKey(bits: number, exponent: number): KeyObject {
  const modulus = Buffer.alloc(Math.ceil(bits / 8), 0xb7)
  modulus[0] = (0xff >> ((8 - (bits % 8)) % 8)) & 0xff
  const e = Buffer.from(exponent.toString(16).padStart(6, '0'), 'hex').subarray(exponent < 0x100 ? 2 : 0)
  return createPublicKey({ key: { kty: 'RSA', n: modulus.toString('base64url'), e: e.toString('base64url') }, format: 'jwk' })
}
