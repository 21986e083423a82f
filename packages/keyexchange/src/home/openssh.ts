/** Public keys as OpenSSH writes them (RFC 4253 section 6.6, RFC 8709). */
import { LocalError, type PublicKey, publicKeyFromSpki } from '@countersign/core'
import { Reader } from '@countersign/core/protocol'
import { createPublicKey, type webcrypto } from 'node:crypto'

/**
 * Reads a line of a `.pub` file or of `authorized_keys`.
 *
 * @throws LocalError KEY_FORMAT, KEY_TYPE, KEY_WEAK
 */
export function readOpenSshPublicKey(line: string): PublicKey {
  const [type = '', body = ''] = line.trim().split(/\s+/)
  const [inner, ...fields] = openSshFields(Buffer.from(body, 'base64'))
  if (!inner || Buffer.from(inner).toString() !== type) throw new LocalError('KEY_FORMAT', 'not a public key of OpenSSH')
  return fromJwk(publicJwk(type, fields))
}

/** LP fields one behind the other. */
export function openSshFields(blob: Uint8Array): Uint8Array[] {
  const reader = new Reader(blob)
  const fields: Uint8Array[] = []
  try {
    while (reader.left > 0) fields.push(reader.take(reader.uint(4)))
  } catch (cause) {
    throw new LocalError('KEY_FORMAT', 'a key of OpenSSH that is damaged', { cause })
  }
  return fields
}

function publicJwk(type: string, fields: readonly Uint8Array[]): webcrypto.JsonWebKey {
  if (type === 'ssh-ed25519' && fields.length === 1) return { kty: 'OKP', crv: 'Ed25519', x: base64url(fields[0]!) }
  if (type === 'ssh-rsa' && fields.length === 2)
    return { kty: 'RSA', e: base64url(unsigned(fields[0]!)), n: base64url(unsigned(fields[1]!)) }
  throw new LocalError('KEY_TYPE', `${type} of OpenSSH, not ssh-ed25519 or ssh-rsa`)
}

function fromJwk(key: webcrypto.JsonWebKey): PublicKey {
  try {
    return publicKeyFromSpki(createPublicKey({ key, format: 'jwk' }).export({ format: 'der', type: 'spki' }))
  } catch (error) {
    if (error instanceof LocalError) throw error
    throw new LocalError('KEY_FORMAT', 'a key of OpenSSH that is damaged', { cause: error })
  }
}

/** An mpint has a zero byte in front where its top bit is set. */
export function unsigned(mpint: Uint8Array): Uint8Array {
  return mpint[0] === 0 ? mpint.subarray(1) : mpint
}

export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
