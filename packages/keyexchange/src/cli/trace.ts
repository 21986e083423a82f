/** What `--trace` tells: every step on the wire, how long it is, and what each of its fields is for; never what a field holds. */
import type { TraceEvent } from '@countersign/core'
import { styleError } from './text.ts'

/** A field: its name, its length in bytes (none where that varies), and what it is for. */
export type Field = readonly [name: string, bytes: number | undefined, purpose: string]

export interface Step {
  readonly does: string
  readonly fields: readonly Field[]
}

type StepName = NonNullable<TraceEvent['kind']> | Exclude<TraceEvent['frame'], 'RECORD' | undefined>

const FRAME_HEADER: Field = ['header', 4, 'type and length; whatever is sealed here is sealed together with it']
const signature = (of: string): Field => ['signature', undefined, `${of}: 64 bytes Ed25519, 256 to 512 RSA, 3309 ML-DSA-65`]

const RECORD_KIND: Field = ['kind', 1, 'which kind of record; only the peer can see it']
const RECORD_TAG: Field = ['tag', 16, 'of AES-256-GCM: no record was changed, dropped, repeated or moved']

function record(does: string, ...payload: readonly Field[]): Step {
  return { does, fields: [FRAME_HEADER, RECORD_KIND, ...payload, RECORD_TAG] }
}

const PART: Field = ['part', undefined, 'bytes of the envelope: statement, signature, lengths and messages']

/** The steps of the protocol, in its order. */
export const STEPS: Readonly<Record<StepName, Step>> = {
  HELLO: {
    does: 'the client begins',
    fields: [
      FRAME_HEADER,
      ['magic, version', 8, '"CSGN", version 1, and three bytes for later versions'],
      ['random', 32, 'fresh: makes this connection unlike any other'],
      ['kemPublic', 1216, 'fresh X-Wing key (ML-KEM-768 with X25519), to which the server sends a secret'],
      ['gate', 32, "shows that the client holds the server's public key; strangers get no byte in answer"],
    ],
  },
  'HELLO+ACK': {
    does: 'the server proves who it is',
    fields: [
      FRAME_HEADER,
      ['random', 32, "fresh, the server's share"],
      ['kemCiphertext', 1120, 'the shared secret, which only the fresh key can open; it keeps recordings closed for good'],
      ['sealed', 4112, "the server's key id and outbox id, its signature over all so far, and a MAC; unreadable to others"],
    ],
  },
  ACK: {
    does: 'the client proves who it is',
    fields: [
      FRAME_HEADER,
      ['sealed', 4112, "the client's key id, outbox and journal, its signature over all so far, and a MAC; unreadable to others"],
    ],
  },
  'SESSION-KEY': {
    does: 'the server gives the session key, encrypted to the client',
    fields: [
      FRAME_HEADER,
      ['sealed', 1040, 'the AES session key (under RSA-OAEP too for an RSA client), which message is due, and a confirmation'],
    ],
  },
  MESSAGE: record('a part of an envelope of messages; more follows', PART),
  'MESSAGE-END': record(
    'the last part of an envelope of messages',
    ['statement', undefined, 'from, to, number, time, and the hash of each message: what is signed'],
    signature('of the sender over the statement'),
    ['lengths', undefined, 'where the messages begin and how long each is'],
    ['messages', undefined, 'each with a random salt, its attributes and its body'],
  ),
  RECEIPT: record(
    'the receiver countersigns',
    ['statement', 193, "which envelope, its digest, what became of it, when, and its place in the journal's chain"],
    signature('of the receiver over the statement'),
  ),
  'KEY-UPDATE': record('the sender goes on under a new key and erases the old one'),
  PING: record('the peer is asked for a sign of life; the first one confirms the keys', ['nonce', 8, 'comes back in PONG']),
  PONG: record('a sign of life', ['nonce', 8, 'the one of PING']),
  CLOSE: record('the only clean end', ['reason', 1, '0 is done'], ['text', undefined, 'for people']),
}

/**
 * Tells steps as lines for people: the fields of each the first time, what a field is for once; repetitions are counted.
 *
 * @param write takes one line
 */
export function narrator(write: (line: string) => void): (event: TraceEvent) => void {
  const told = new Set<StepName | Field>()
  let last = ''
  let repeated = 0
  return ({ sent, frame, kind, length }) => {
    const name = frame === 'RECORD' ? kind : frame
    const line = `${sent ? '→' : '←'} ${name ?? 'another type of frame'}  ${length} bytes`
    if (line === last) {
      repeated += 1
      return
    }
    if (repeated > 0) write(`  and ${repeated} more like it`)
    last = line
    repeated = 0
    if (name === undefined) return write(line)
    const step = STEPS[name]
    write(`${styleError('bold', line)}  ${step.does}`)
    if (told.has(name)) return
    told.add(name)
    for (const field of step.fields) {
      const [label, bytes, purpose] = field
      const line = `    ${label.padEnd(14)} ${String(bytes ?? '').padStart(5)}  ${told.has(field) ? '' : purpose}`
      write(styleError('dim', line.trimEnd()))
      told.add(field)
    }
  }
}
