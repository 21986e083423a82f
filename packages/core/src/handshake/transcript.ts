/** The running hashes that bind each step to all before it (protocol sections 3 to 6). */
import { concat, utf8 } from '../bytes.ts'
import { domainHash, hmac, sha256 } from '../crypto/hash.ts'
import { lengthPrefixed, u32Bytes } from '../wire/codec.ts'

export function transcript1(helloFrame: Uint8Array): Uint8Array {
  return domainHash('transcript', lengthPrefixed(helloFrame))
}

/** Any further step: the hash before it, and what is new, in one piece or several. */
export function extend(before: Uint8Array, ...added: readonly Uint8Array[]): Uint8Array {
  const length = added.reduce((sum, piece) => sum + piece.length, 0)
  return sha256(before, u32Bytes(length), ...added)
}

/** tc = H(t2 || serverKeyId || LP(payload)): what the client signs names the server. */
export function clientTranscript(t2: Uint8Array, serverKeyId: Uint8Array, payload: Uint8Array): Uint8Array {
  return sha256(t2, serverKeyId, lengthPrefixed(payload))
}

/** What proves, in the first frame, that its sender holds the server's public key. */
export function gate(serverKeyId: Uint8Array, before: Uint8Array): Uint8Array {
  return hmac(domainHash('gate', serverKeyId), before)
}

/** The MAC behind a handshake signature: only who holds the shared secret can make it. */
export function proofMac(finished: Uint8Array, signed: Uint8Array, signature: Uint8Array): Uint8Array {
  return hmac(finished, extend(signed, signature))
}

/** What proves to the client, before any record, that the server holds the session key. */
export function confirmation(confirmKey: Uint8Array, t3: Uint8Array, wrapped: Uint8Array, data: Uint8Array): Uint8Array {
  return hmac(confirmKey, sha256(t3, lengthPrefixed(wrapped, data)))
}

/** The OAEP label that binds the wrapped session key to this handshake. */
export function sessionKeyLabel(t3: Uint8Array): Uint8Array {
  return concat(utf8('countersign/1 session key'), t3)
}
