/** Rotation statements: a new key, vouched for by the one before it, both signing. */
import { type Identity, LocalError, PeerError, type PublicKey, publicKeyFromSpki } from '@countersign/core'
import { bytes, type Codec, copy, decode, encode, equal, lp, pae, struct, u64, verify } from '@countersign/core/protocol'

export interface Rotation {
  /** keyId of the key that is succeeded; 32 bytes */
  readonly oldKeyId: Uint8Array
  readonly successor: PublicKey
  /** ms since 1970, UTC */
  readonly issuedAt: number
  /** The end of the overlap: until then both keys are good; ms since 1970, UTC */
  readonly notAfter: number
  /** What the old key signed, to be checked once that key is at hand */
  readonly signed: Uint8Array
  readonly oldSignature: Uint8Array
  readonly newSignature: Uint8Array
}

const TYPE = 'application/vnd.countersign.rotation.v1'

interface Statement {
  readonly oldKeyId: Uint8Array
  readonly spki: Uint8Array
  readonly issuedAt: number
  readonly notAfter: number
}

const statementCodec: Codec<Statement> = struct({ oldKeyId: bytes(32), spki: lp, issuedAt: u64, notAfter: u64 })

interface SignedStatement {
  readonly statement: Uint8Array
  readonly oldSignature: Uint8Array
  readonly newSignature: Uint8Array
}

const signedCodec: Codec<SignedStatement> = struct({ statement: lp, oldSignature: lp, newSignature: lp })

/** A statement of rotation as a PEM file: `LP(statement) || LP(signature of the old key) || LP(signature of the new)`. */
export async function rotationFile(old: Identity, successor: Identity, issuedAt: number, notAfter: number): Promise<string> {
  const statement = encode(statementCodec, {
    oldKeyId: old.publicKey.id,
    spki: successor.publicKey.spki,
    issuedAt,
    notAfter,
  })
  const signed = pae(TYPE, statement)
  const [oldSignature, newSignature] = await Promise.all([old.sign(signed), successor.sign(signed)])
  const lines = Buffer.from(encode(signedCodec, { statement, oldSignature, newSignature }))
    .toString('base64')
    .match(/.{1,64}/g)!
  return `-----BEGIN COUNTERSIGN ROTATION-----\n${lines.join('\n')}\n-----END COUNTERSIGN ROTATION-----\n`
}

const PEM = /-----BEGIN COUNTERSIGN ROTATION-----\s([A-Za-z0-9+/=\s]*)-----END COUNTERSIGN ROTATION-----/

/**
 * Reads a statement and holds the new key against the key rules and its signature; the old key's is `vouches`'s business.
 *
 * @throws LocalError KEY_FORMAT, KEY_TYPE, KEY_WEAK; PeerError BAD_SIGNATURE
 */
export function readRotation(file: string): Rotation {
  const body = PEM.exec(file)?.[1]
  if (body === undefined) throw new LocalError('KEY_FORMAT', 'no statement of rotation')
  const { statement, oldSignature, newSignature, oldKeyId, spki, issuedAt, notAfter } = decodeRotation(
    Buffer.from(body, 'base64'),
  )
  const successor = publicKeyFromSpki(spki)
  const signed = pae(TYPE, statement)
  if (!verify(successor, signed, newSignature)) throw new PeerError('BAD_SIGNATURE', 'the new key did not sign this rotation')
  return { oldKeyId: copy(oldKeyId), successor, issuedAt, notAfter, signed, oldSignature, newSignature }
}

function decodeRotation(der: Uint8Array): SignedStatement & Statement {
  try {
    const signed = decode(signedCodec, der)
    return { ...signed, ...decode(statementCodec, signed.statement) }
  } catch (cause) {
    throw new LocalError('KEY_FORMAT', 'a statement of rotation that is damaged', { cause })
  }
}

/** Whether this old key signed the rotation. */
export function vouches(old: PublicKey, rotation: Rotation): boolean {
  return equal(old.id, rotation.oldKeyId) && verify(old, rotation.signed, rotation.oldSignature)
}
