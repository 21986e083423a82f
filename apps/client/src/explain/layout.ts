/** Where each field of a frame stands, what it is and why it is there: every byte belongs to one of them. */
import { claimedDate, fromUtf8, hex, type KindName, KIND, OUTCOME, REASON, STATUS, view } from '@countersign/core/protocol'
import type { RecordedFrame } from './recording.ts'

export interface Field {
  readonly name: string
  /** Where in the frame it begins, and how long it is; in bytes. */
  readonly at: number
  readonly length: number
  /** What it is, and why it is there. */
  readonly why: string
  /** What it says, for people. */
  readonly value?: string
}

export interface Layout {
  /** The record’s kind, where it is one, else the frame’s name. */
  readonly name: string
  /** What everybody sees on the wire: from the frame’s first byte to its last. */
  readonly outside: readonly Field[]
  /** What the seal holds, byte over byte of the field `sealed`. */
  readonly inside: readonly Field[]
}

type Value = (bytes: Uint8Array) => string

const number: Value = (bytes) =>
  String(bytes.length === 8 ? view(bytes).readBigUInt64BE() : view(bytes).readUIntBE(0, bytes.length))
const time: Value = (bytes) => claimedDate(Number(number(bytes))).toISOString()
const fingerprint: Value = (bytes) => `sha256//${view(bytes).toString('base64')}`
const text: Value = (bytes) => fromUtf8(bytes) ?? `${hex(bytes)} (no UTF-8)`
const length: Value = (bytes) => `${number(bytes)} bytes`
const named =
  (names: Readonly<Record<string, number>>): Value =>
  (bytes) =>
    `${number(bytes)}: ${Object.keys(names).find((name) => names[name] === bytes[0]) ?? 'unknown'}`

/** Goes through bytes from the first to the last, and names them. */
class Cursor {
  readonly fields: Field[] = []
  readonly #bytes: Uint8Array
  readonly #start: number
  #at = 0

  /** @param start where the bytes begin in their frame */
  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes
    this.#start = start
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  field(name: string, length: number, why: string, value?: Value): Uint8Array {
    const bytes = this.#bytes.subarray(this.#at, this.#at + length)
    if (length > 0) this.fields.push({ name, at: this.#start + this.#at, length, why, ...(value && { value: value(bytes) }) })
    this.#at += length
    return bytes
  }

  /** A length in front of what follows. */
  prefix(of: string, bytes: number): number {
    const prefix = this.field(`length of ${of}`, bytes, `How long the ${of} behind it is.`, length)
    return Number(number(prefix))
  }

  rest(name: string, why: string): void {
    this.field(name, this.left, why)
  }
}

/** The fields of a recorded frame. */
export function layoutOf({ name, bytes, seal }: RecordedFrame): Layout {
  const outer = new Cursor(bytes, 0)
  outer.field(
    'type',
    1,
    'Which frame this is. Any other than the one that is due ends the connection.',
    (type) => `${type[0]}: ${name}`,
  )
  outer.field(
    'length',
    3,
    'How long the body is, checked before a byte of it is read. Type and length are sealed together with the body: they cannot be changed.',
    length,
  )
  if (name === 'HELLO') {
    hello(outer)
    return { name, outside: outer.fields, inside: [] }
  }
  if (name === 'HELLO+ACK') {
    outer.field('random', 32, 'Fresh, the server’s share: with it not even the same HELLO gives the same session twice.')
    outer.field(
      'kemCiphertext: ML-KEM-768',
      1088,
      'A secret that only the private half of the fresh key in HELLO can take out. It holds against a quantum computer.',
    )
    outer.field(
      'kemCiphertext: X25519',
      32,
      'The other half of X-Wing: the shared secret stays secret as long as either of the two holds.',
    )
  }
  const { at, plain } = seal!
  outer.field('sealed', plain.length, SEALED[name])
  outer.field('tag', 16, 'Of AES-256-GCM, over the header and all that is sealed. One bit changed, and the frame does not open.')
  const inner = new Cursor(plain, at)
  const inside = { 'HELLO+ACK': helloAck, ACK: ack, 'SESSION-KEY': sessionKey, RECORD: record }[name]
  return { name: inside(inner) ?? name, outside: outer.fields, inside: inner.fields }
}

const SEALED = {
  'HELLO+ACK':
    'The server’s proof, sealed with a key of the shared secret, and filled up so that all types of identity look alike.',
  ACK: 'The client’s proof, sealed and filled up likewise. Nobody on the way learns who it is.',
  'SESSION-KEY': 'The session key and where the client goes on, or a refusal: both are equally long.',
  RECORD: 'A record: what kind it is stands inside too. Only its length and the time can be seen.',
} as const

function hello(cursor: Cursor): void {
  cursor.field('magic', 4, 'Says that this is Countersign. Whatever else knocks is not answered.', text)
  cursor.field('version', 1, 'There is one version, and nothing to negotiate: nothing can be talked down.', number)
  cursor.field('reserved', 3, 'For later versions; its value is ignored, yet the gate covers it.', number)
  cursor.field('random', 32, 'Fresh: makes this connection unlike any other.')
  cursor.field(
    'kemPublic: ML-KEM-768',
    1184,
    'A key made for this one connection, to which the server sends a secret. It is forgotten afterwards, so what was recorded stays closed.',
  )
  cursor.field('kemPublic: X25519', 32, 'The other half of X-Wing.')
  cursor.field(
    'gate',
    32,
    'A MAC over all before it, keyed with the server’s public key. Who does not hold that key gets not one byte in answer.',
  )
}

function proof(cursor: Cursor, of: string): void {
  const signed = cursor.prefix('signature', 4)
  cursor.field(
    'signature',
    signed,
    `By the ${of}'s identity key, over everything that was sent so far. It proves who answers, in this session and no other.`,
  )
  cursor.field(
    'mac',
    32,
    `Over the signature, with a key of the shared secret: only who took part in the key exchange can make it.`,
  )
  cursor.rest('padding', 'Zeros up to 4096 bytes, which are checked: no type of identity shows by its length.')
}

function helloAck(cursor: Cursor): void {
  cursor.prefix('payload', 4)
  cursor.field('keyId', 32, 'SHA-256 of the server’s public key. It must be the key that the gate was made for.', fingerprint)
  cursor.field('outbox', 16, 'The server’s outbox, by whose numbers its messages to this client are counted.', hex)
  proof(cursor, 'server')
}

function position(cursor: Cursor, whose: string): void {
  cursor.field('next', 8, `The number of the message that is expected next out of the ${whose}'s outbox.`, number)
  cursor.field('offset', 8, 'How many bytes of that message are there already, from an interrupted session.', length)
  cursor.field('digest', 32, 'Of which message those bytes are; zeros where there are none.')
}

function ack(cursor: Cursor): void {
  cursor.prefix('payload', 4)
  cursor.field('keyId', 32, 'SHA-256 of the client’s public key. The server looks up whether it trusts it.', fingerprint)
  cursor.field(
    'outbox',
    16,
    'The client’s outbox, by whose numbers its messages are counted: each is stored once, however often it comes.',
    hex,
  )
  cursor.field('journal', 16, 'Where the client keeps what it receives.', hex)
  position(cursor, 'server')
  cursor.field('maxItem', 8, 'The longest message that the client takes.', length)
  cursor.field('receives', 1, 'Whether this session takes messages of the server.', number)
  proof(cursor, 'client')
}

function sessionKey(cursor: Cursor): void {
  cursor.field('status', 1, '0 accepts. Anything else is a refusal; seen from outside the two are alike.', named(STATUS))
  const wrapped = cursor.prefix('session key', 4)
  const how = wrapped === 32 ? 'Under this seal alone.' : 'Wrapped by RSA-OAEP for the client’s identity key, under this seal.'
  cursor.field('session key', wrapped, `The AES session key: 32 fresh bytes, encrypted to the client. ${how}`)
  cursor.prefix('data', 4)
  cursor.field('journal', 16, 'The journal of the server, to which receipts refer.', hex)
  position(cursor, 'client')
  cursor.field('maxItem', 8, 'The longest message that the server takes.', length)
  cursor.field(
    'confirm',
    32,
    'A MAC with a key of both secrets: the server shows that it holds the same keys, before any record.',
  )
  cursor.rest('padding', 'Zeros up to 1024 bytes, which are checked: a refusal looks like an acceptance.')
}

function record(cursor: Cursor): KindName {
  const [kind] = cursor.field('kind', 1, 'What kind of record this is.', named(KIND))
  const name = (Object.keys(KIND) as KindName[]).find((name) => KIND[name] === kind)!
  if (name === 'MESSAGE-END') envelope(cursor)
  else if (name === 'RECEIPT') receipt(cursor)
  else if (name === 'CLOSE') {
    cursor.field(
      'reason',
      1,
      'Why the session ends. Without a CLOSE the end of the stream is a cut, and is reported as one.',
      named(REASON),
    )
    cursor.field('text', cursor.prefix('text', 4), 'For people.', text)
  } else
    cursor.rest(
      'nonce',
      name === 'PING'
        ? 'Comes back in PONG. The first record also shows the server that the client holds the keys.'
        : 'The one of PING.',
    )
  return name
}

function signers(cursor: Cursor, from: string, to: string): void {
  cursor.prefix('statement', 4)
  cursor.field('from', 32, `The key of the ${from}, who signs.`, fingerprint)
  cursor.field(
    'to',
    32,
    `The key of the ${to}: what is signed for one receiver cannot be passed on to another as if it were for him.`,
    fingerprint,
  )
  cursor.field('outbox', 16, 'The client’s outbox, in which the message has its number.', hex)
}

function signature(cursor: Cursor, who: string): void {
  cursor.field(
    'signature',
    cursor.prefix('signature', 4),
    `Of the ${who} over the statement. It is kept as evidence, and anybody can verify it with the public key.`,
  )
}

function envelope(cursor: Cursor): void {
  signers(cursor, 'sender', 'receiver')
  cursor.field('first', 8, 'The message’s number. A number is signed once.', number)
  cursor.field('sentAt', 8, 'When the sender says that it signed: a claim.', time)
  cursor.field('count', 4, 'How many messages are signed together.', number)
  cursor.field('leaf', 32, 'SHA-256 of the item below. The signature covers this hash, and so the message.')
  signature(cursor, 'sender')
  cursor.field('offset', 8, 'Where in the items what follows begins: a long message goes on where it was interrupted.', length)
  cursor.prefix('item', 8)
  cursor.field('item: mark', 1, 'Zero.', number)
  cursor.field('item: salt', 16, 'Random, so that the hash tells nothing about a message that could be guessed.')
  const attributes = cursor.prefix('attributes', 2)
  cursor.field('item: attributes', attributes, 'Names and values beside the body.', attributesText)
  cursor.field('item: body', cursor.left, 'The message itself.', text)
}

function attributesText(bytes: Uint8Array): string {
  const said: string[] = []
  for (let at = 0; at < bytes.length;) {
    const nameEnd = at + 1 + bytes[at]!
    const valueEnd = nameEnd + 2 + view(bytes).readUInt16BE(nameEnd)
    said.push(`${text(bytes.subarray(at + 1, nameEnd))}: ${text(bytes.subarray(nameEnd + 2, valueEnd))}`)
    at = valueEnd
  }
  return said.join(', ')
}

function receipt(cursor: Cursor): void {
  signers(cursor, 'receiver', 'sender')
  cursor.field('first', 8, 'The message’s number.', number)
  cursor.field('count', 4, 'How many messages this receipt is for.', number)
  cursor.field('digest', 32, 'SHA-256 of what the sender signed: it is for that message, and no other.')
  cursor.field('outcome', 1, 'What became of it.', named(OUTCOME))
  cursor.field('receivedAt', 8, 'When the receiver says that it came: a claim.', time)
  cursor.field('journal', 16, 'The journal in which it stands.', hex)
  cursor.field('index', 8, 'Counts the receipts of this sender and outbox in this journal.', number)
  cursor.field('chain', 32, 'Hashes this receipt with the one before: a journal that forgets a message cannot go on unnoticed.')
  signature(cursor, 'receiver')
}
