/**
 * The plain design that attacks are held against, as a whole: RSA key transport, AES-GCM whose tag nobody checks, a
 * signature beside the message, and nothing that says whom it is for or when it was said. It is here to be broken.
 */
import { concat, decode, encode, fromUtf8, lp, struct, u8, utf8 } from '@countersign/core/protocol'
import {
  createCipheriv,
  createDecipheriv,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'

const packet = struct<{ wrapped: Uint8Array; iv: Uint8Array; sealed: Uint8Array; signature: Uint8Array }>({
  wrapped: lp,
  iv: lp,
  sealed: lp,
  signature: lp,
})

const content = struct<{ urgent: number; subject: Uint8Array; text: Uint8Array }>({ urgent: u8, subject: lp, text: lp })

export interface PlainMessage {
  readonly urgent: number
  readonly subject: string
  readonly text: string
}

export interface PlainKeys {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

export function plainKeys(): PlainKeys {
  return generateKeyPairSync('rsa', { modulusLength: 2048 })
}

/** A message as it travels: the text is signed, and what stands beside it is not. */
export function plainSend(to: KeyObject, by: KeyObject, { urgent, subject, text }: PlainMessage): Uint8Array {
  const [key, iv] = [randomBytes(32), randomBytes(12)]
  const body = encode(content, { urgent, subject: utf8(subject), text: utf8(text) })
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  const sealed = concat(cipher.update(body), cipher.final())
  return encode(packet, { wrapped: publicEncrypt(to, key), iv, sealed, signature: sign('sha256', utf8(text), by) })
}

/** What the receiver believes; undefined where it sees that something is wrong. */
export function plainReceive(own: KeyObject, from: KeyObject, bytes: Uint8Array): PlainMessage | undefined {
  try {
    const { wrapped, iv, sealed, signature } = decode(packet, bytes)
    const decipher = createDecipheriv('aes-256-gcm', privateDecrypt(own, wrapped), iv)
    const { urgent, subject, text } = decode(content, decipher.update(sealed))
    if (!verify('sha256', text, from, signature)) return undefined
    return { urgent, subject: fromUtf8(subject) ?? '', text: fromUtf8(text) ?? '' }
  } catch {
    return undefined
  }
}

/** Takes a message off the wire and puts another signature beside it: no key but the receiver's is needed to read it. */
export function resignedPlain(bytes: Uint8Array, text: string, by: KeyObject): Uint8Array {
  return encode(packet, { ...decode(packet, bytes), signature: sign('sha256', utf8(text), by) })
}
