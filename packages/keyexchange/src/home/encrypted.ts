/**
 * Private keys under a passphrase: PBES2 (RFC 8018) with scrypt (RFC 7914) and AES-256-CBC, which OpenSSL opens too.
 * Node's own encrypted export is PBKDF2 of 2048 iterations, which is too weak.
 */
import type { PrivateKey } from '@countersign/core'
import * as asn1 from 'asn1js'
import { createCipheriv, randomBytes, scrypt } from 'node:crypto'
import { promisify } from 'node:util'

const SCRYPT = { N: 2 ** 14, r: 8, p: 5 }
const OID = { pbes2: '1.2.840.113549.1.5.13', scrypt: '1.3.6.1.4.1.11591.4.11', aes256cbc: '2.16.840.1.101.3.4.1.42' }

const deriveKey = promisify(scrypt) as (
  passphrase: string,
  salt: Uint8Array,
  length: number,
  options: typeof SCRYPT,
) => Promise<Buffer>

/** A private key as `ENCRYPTED PRIVATE KEY` in PEM. */
export async function encryptedPrivateKeyPem({ key }: PrivateKey, passphrase: string): Promise<string> {
  const salt = randomBytes(16)
  const iv = randomBytes(16)
  const secret = await deriveKey(passphrase, salt, 32, SCRYPT)
  const pkcs8 = key.export({ format: 'der', type: 'pkcs8' })
  const cipher = createCipheriv('aes-256-cbc', secret, iv)
  const encrypted = Buffer.concat([cipher.update(pkcs8), cipher.final()])
  secret.fill(0)
  pkcs8.fill(0)
  const parameters = sequence(octets(salt), integer(SCRYPT.N), integer(SCRYPT.r), integer(SCRYPT.p))
  const algorithm = sequence(
    oid(OID.pbes2),
    sequence(sequence(oid(OID.scrypt), parameters), sequence(oid(OID.aes256cbc), octets(iv))),
  )
  return pem('ENCRYPTED PRIVATE KEY', Buffer.from(sequence(algorithm, octets(encrypted)).toBER()))
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

function sequence(...value: asn1.BaseBlock[]): asn1.Sequence {
  return new asn1.Sequence({ value })
}

function octets(valueHex: Uint8Array): asn1.OctetString {
  return new asn1.OctetString({ valueHex })
}

function integer(value: number): asn1.Integer {
  return new asn1.Integer({ value })
}

function oid(value: string): asn1.ObjectIdentifier {
  return new asn1.ObjectIdentifier({ value })
}
