/** What a recorder makes of a session, once he has learnt something that was secret. */
import type { Identity } from '@countersign/core'
import {
  aeadKey,
  concat,
  decode,
  domainHash,
  equal,
  extract,
  helloAck,
  label,
  lengthPrefixed,
  open,
  proof,
  RecordOpener,
  sessionKey,
  sha256,
  utf8,
} from '@countersign/core/protocol'

export interface Recording {
  readonly hello: Uint8Array
  readonly helloAck: Uint8Array
  readonly ack: Uint8Array
  readonly sessionKey: Uint8Array
  /** The client's records. */
  readonly records: readonly Uint8Array[]
}

export interface Opened {
  /** The client's keyId as its ACK says; undefined where that stays sealed. */
  readonly client?: Uint8Array
  /** The payloads of the client's records, as many as open. */
  readonly payloads: readonly Uint8Array[]
}

function extend(before: Uint8Array, added: Uint8Array): Uint8Array {
  return sha256(before, lengthPrefixed(added))
}

/**
 * Tries to open a recorded session.
 *
 * @param ss what he takes for the X-Wing shared secret
 * @param identities every identity key that he has stolen
 */
export async function openRecording(recording: Recording, ss: Uint8Array, identities: readonly Identity[]): Promise<Opened> {
  const { hello, helloAck: answer, ack, sessionKey: last, records } = recording
  const t1 = domainHash('transcript', lengthPrefixed(hello))
  const { random, kemCiphertext, sealed } = decode(helloAck, answer.subarray(4))
  const t2k = extend(t1, concat(answer.subarray(0, 4), random, kemCiphertext))
  const t3 = extend(extend(t2k, sealed), ack)
  const hs = extract(t2k, ss)
  const key = (name: string): ReturnType<typeof aeadKey> => aeadKey(label(hs, `${name} handshake`, t2k, 32))
  const body = open(key('server'), 1, last.subarray(0, 4), last.subarray(4))
  if (body === undefined) return { payloads: [] }
  const client = decode(proof, open(key('client'), 0, ack.subarray(0, 4), ack.subarray(4))!).payload.slice(0, 32)
  const { wrapped } = decode(sessionKey, body)
  const own = identities.find(({ publicKey }) => equal(publicKey.id, client))
  const fresh = own?.unwrap ? await own.unwrap(wrapped, concat(utf8('countersign/1 session key'), t3)) : wrapped
  if (fresh === undefined) return { client, payloads: [] }
  const master = extract(label(hs, 'derived', t3, 32), fresh)
  const opener = new RecordOpener(label(master, 'client traffic', extend(t3, last), 32))
  const payloads: Uint8Array[] = []
  try {
    for (const record of records) payloads.push(concat(...opener.take(record).record!.payload))
  } catch {
    // Not these keys.
  }
  return { client, payloads }
}
