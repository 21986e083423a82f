/** Public keys that break the key rules, as SPKI in DER. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'

export function spkiOfRsa(modulusLength: number): Uint8Array {
  return generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'der', type: 'spki' })
}

/** Anybody can sign for it. */
export function rsaWithExponentOne(): Uint8Array {
  const { n } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
  return createPublicKey({ key: { kty: 'RSA', n: n!, e: 'AQ' }, format: 'jwk' }).export({ format: 'der', type: 'spki' })
}

/** The point of order 2: one signature holds for many messages. */
export function ed25519SmallOrder(): Uint8Array {
  return Buffer.from(`302a300506032b6570032100ec${'ff'.repeat(30)}7f`, 'hex')
}

export function withTrailingBytes(spki: Uint8Array): Uint8Array {
  return Buffer.concat([spki, Buffer.from('0500', 'hex')])
}

export function pem(label: string, der: Uint8Array): string {
  const body = Buffer.from(der).toString('base64')
  return `-----BEGIN ${label}-----\n${body.replaceAll(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`
}
