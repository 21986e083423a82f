/** From what a caller sends to a signed envelope (protocol section 8). */
import { concat, release } from '../bytes.ts'
import { random, sha256, sha256Stream, writeSalt } from '../crypto/hash.ts'
import { type Identity, pae } from '../crypto/signature.ts'
import { LocalError } from '../errors.ts'
import { encode } from '../wire/codec.ts'
import {
  attributesFault,
  encodeAttributes,
  itemHead,
  LEAST_ITEM,
  MESSAGE_TYPE,
  messageStatement,
  SALT_AT,
  SALT_LENGTH,
  writeItemHead,
} from '../wire/envelope.ts'
import { MAX_PAYLOAD, Signed, type SignedStatement } from '../wire/records.ts'

/** What a caller says of a message, beside its body. */
export interface MessageOptions {
  readonly contentType?: string
  readonly id?: string
  readonly inReplyTo?: string
  /** A name for the receiver's people to see. */
  readonly name?: string
  /** Further attributes, by their names. */
  readonly attributes?: Readonly<Record<string, string>>
}

/** A message's body: a text is sent as UTF-8; a Blob is read twice, piece by piece, and may be of any size. */
export type MessageBody = string | Uint8Array | Blob

/** An item ready to be signed: its hash, its length, and its bytes, whole or as head and body. */
export interface OutgoingItem {
  readonly leaf: Uint8Array
  readonly length: number
  readonly bytes: Uint8Array | { readonly head: Uint8Array; readonly body: Blob }
}

const BLOB_PIECE = 1024 * 1024

/**
 * Makes the item of a message, with a fresh salt.
 *
 * @throws LocalError MESSAGE_FORM
 */
export function composeItem(body: MessageBody, options?: MessageOptions): OutgoingItem | Promise<OutgoingItem> {
  if (body instanceof Blob) return hashBlob(composeHead(options), body)
  const attributes = attributesOf(options)
  const text = typeof body === 'string'
  const bodyAt = LEAST_ITEM + attributes.length
  // From Node's pool: a message costs one allocation at the most.
  const bytes = Buffer.allocUnsafe(bodyAt + (text ? Buffer.byteLength(body) : body.length))
  writeItemHead(bytes, 0, attributes)
  writeSalt(bytes, SALT_AT)
  if (text) bytes.write(body, bodyAt)
  else bytes.set(body, bodyAt)
  return { leaf: sha256(bytes), length: bytes.length, bytes }
}

/**
 * Makes what stands before a message's body in its item, with a fresh salt.
 *
 * @throws LocalError MESSAGE_FORM
 */
export function composeHead(options?: MessageOptions): Uint8Array {
  return itemHead(random(SALT_LENGTH), attributesOf(options))
}

const NO_ATTRIBUTES = new Uint8Array(0)

/** The attributes that are said of a message, encoded. @throws LocalError MESSAGE_FORM */
export function attributesOf(options: MessageOptions | undefined): Uint8Array {
  return options === undefined ? NO_ATTRIBUTES : encodeOptions(options)
}

function encodeOptions({ contentType, id, inReplyTo, name, attributes }: MessageOptions): Uint8Array {
  const all = new Map(Object.entries(attributes ?? {}))
  const known = { 'content-type': contentType, id, 'in-reply-to': inReplyTo, name }
  for (const [key, value] of Object.entries(known)) if (value !== undefined) all.set(key, value)
  const fault = attributesFault(all)
  if (fault !== undefined) throw new LocalError('MESSAGE_FORM', fault)
  return encodeAttributes(all)
}

async function hashBlob(head: Uint8Array, body: Blob): Promise<OutgoingItem> {
  const hasher = sha256Stream()
  hasher.update(head)
  for await (const piece of blobPieces(body, 0)) hasher.update(piece)
  return { leaf: hasher.digest(), length: head.length + body.size, bytes: { head, body } }
}

/**
 * A Blob's bytes from `offset` on, 1 MiB at the most at a time. A piece stays as it is until it is done with: when a record's
 * worth of bytes has come behind it, and more is asked for.
 */
export async function* blobPieces(blob: Blob, offset: number): AsyncGenerator<Uint8Array> {
  const before: Uint8Array[] = []
  let length = 0
  for (let at = offset; at < blob.size; at += BLOB_PIECE) {
    for await (const piece of blob.slice(at, at + BLOB_PIECE).stream()) {
      yield piece
      before.push(piece)
      length += piece.length
      while (length - before[0]!.length >= MAX_PAYLOAD) {
        length -= before[0]!.length
        release(before.shift()!)
      }
    }
  }
}

/** The bytes of items, one behind the other, from `offset` on; what is in memory comes in one piece. */
export async function* readItems(items: readonly OutgoingItem[], offset: number): AsyncGenerator<Uint8Array> {
  let memory: Uint8Array[] = []
  let skip = offset
  for (const { bytes, length } of items) {
    if (skip >= length) {
      skip -= length
      continue
    }
    const start = bytes instanceof Uint8Array ? bytes : bytes.head
    if (skip < start.length) memory.push(start.subarray(skip))
    if (!(bytes instanceof Uint8Array)) {
      yield concat(...memory)
      memory = []
      yield* blobPieces(bytes.body, Math.max(0, skip - start.length))
    }
    skip = 0
  }
  if (memory.length > 0) yield memory.length === 1 ? memory[0]! : concat(...memory)
}

/** An envelope as it waits at a sender, signed once and for all. */
export interface OutgoingEnvelope {
  readonly message: SignedStatement
  /** SHA-256 of the PAE of its statement. */
  readonly digest: Uint8Array
  readonly first: number
  readonly count: number
  readonly lengths: readonly number[]
  /** Whether its sender has withdrawn it: it then travels without its items. */
  readonly withdrawn: boolean
  /** Its items' bytes from `offset` on. A piece stays as it is until a record's worth of bytes has come behind it, and more is asked for. */
  read(offset: number): AsyncIterable<Uint8Array>
}

/** Where an envelope stands: who it is to, in which outbox, from which number on, and when. */
export interface EnvelopeNumbers {
  /** keyId of the receiver. */
  readonly to: Uint8Array
  readonly outbox: Uint8Array
  /** The number of the first item. */
  readonly first: number
  /** Milliseconds since 1970, UTC. */
  readonly sentAt: number
}

/** Items ready to be signed as one envelope. */
export interface OutgoingItems {
  /** Their hashes one behind the other. */
  readonly leaves: Uint8Array
  readonly lengths: readonly number[]
  /** Their bytes from `offset` on. */
  read(offset: number): AsyncIterable<Uint8Array>
}

/** Signs items as one envelope. */
export function composeEnvelope(
  identity: Identity,
  numbers: EnvelopeNumbers,
  items: readonly OutgoingItem[],
): Promise<OutgoingEnvelope> {
  return signItems(identity, numbers, {
    leaves: concat(...items.map(({ leaf }) => leaf)),
    lengths: items.map(({ length }) => length),
    read: (offset) => readItems(items, offset),
  })
}

/** The same, where the items are in one piece already. */
export async function signItems(
  identity: Identity,
  { to, outbox, first, sentAt }: EnvelopeNumbers,
  items: OutgoingItems,
): Promise<OutgoingEnvelope> {
  const { leaves } = items
  const statement = encode(messageStatement, { from: identity.publicKey.id, to, outbox, first, sentAt, leaves })
  const signed = pae(MESSAGE_TYPE, statement)
  const signature = await identity.sign(signed)
  return new SignedEnvelope(new Signed(statement, signature), sha256(signed), first, items)
}

/** An envelope whose items are in memory. */
class SignedEnvelope implements OutgoingEnvelope {
  readonly message: SignedStatement
  readonly digest: Uint8Array
  readonly first: number
  readonly count: number
  readonly lengths: readonly number[]
  readonly withdrawn = false
  readonly read: OutgoingEnvelope['read']

  constructor(message: SignedStatement, digest: Uint8Array, first: number, items: OutgoingItems) {
    this.message = message
    this.digest = digest
    this.first = first
    this.lengths = items.lengths
    this.count = items.lengths.length
    this.read = (offset) => items.read(offset)
  }
}
