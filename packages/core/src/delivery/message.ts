/** A message that has been received, verified and stored. */
import { fromUtf8 } from '../bytes.ts'
import { LocalError } from '../errors.ts'
import type { Peer } from '../handshake/step.ts'
import type { Attributes, MessageStatement } from '../wire/envelope.ts'
import type { SignedStatement } from '../wire/records.ts'
import type { BlobLike } from './journal.ts'

/** What the messages of one envelope share: the evidence of who sent them and that they arrived. */
export interface ReceivedEnvelope {
  readonly peer: Peer
  readonly statement: MessageStatement
  /** The statement and the sender's signature over it. */
  readonly message: SignedStatement
  /** The receipt that this side has signed. */
  readonly receipt: SignedStatement
  /** Milliseconds since 1970, UTC, as the receipt says. */
  readonly receivedAt: number
}

/** The last time that a Date holds, in milliseconds since 1970. */
const LAST_DATE = 8.64e15

/** A time that a peer has signed, which may be any number: one that no Date holds is as late as one can be. */
export function claimedDate(ms: number): Date {
  return new Date(Math.min(ms, LAST_DATE))
}

/** One message: what its sender signed under one number. Its body is read like that of a Response. */
export class Message {
  readonly envelope: ReceivedEnvelope
  /** The number of this message at its sender's outbox. */
  readonly number: number
  readonly attributes: Attributes
  /** The body's length in bytes. */
  readonly length: number
  readonly #item: Uint8Array | BlobLike
  readonly #bodyAt: number

  constructor(envelope: ReceivedEnvelope, number: number, attributes: Attributes, item: Uint8Array | BlobLike, bodyAt: number) {
    this.envelope = envelope
    this.number = number
    this.attributes = attributes
    this.#item = item
    this.#bodyAt = bodyAt
    this.length = (item instanceof Uint8Array ? item.length : item.size) - bodyAt
  }

  /** Who sent it. */
  get peer(): Peer {
    return this.envelope.peer
  }

  /** When its sender says it was sent: a claim. */
  get sentAt(): Date {
    return claimedDate(this.envelope.statement.sentAt)
  }

  /** When this side says that it came, in its receipt. */
  get receivedAt(): Date {
    return new Date(this.envelope.receivedAt)
  }

  /** The media type of its body, as its sender says; the attribute `content-type`. */
  get contentType(): string | undefined {
    return this.attributes.get('content-type')
  }

  /** What its sender calls it, for replies to name; the attribute `id`. */
  get id(): string | undefined {
    return this.attributes.get('id')
  }

  /** The `id` of the message that it answers; the attribute `in-reply-to`. */
  get inReplyTo(): string | undefined {
    return this.attributes.get('in-reply-to')
  }

  /** The name that the sender gave it. Never use it as a path. */
  get name(): string | undefined {
    return this.attributes.get('name')
  }

  /** The body. */
  bytes(): Promise<Uint8Array> {
    const item = this.#item
    if (item instanceof Uint8Array) return Promise.resolve(item.subarray(this.#bodyAt))
    return item.slice(this.#bodyAt).bytes()
  }

  /**
   * The body as text.
   *
   * @throws LocalError MESSAGE_FORM where it is not UTF-8
   */
  async text(): Promise<string> {
    const text = fromUtf8(await this.bytes())
    if (text === undefined) throw new LocalError('MESSAGE_FORM', 'its body is not UTF-8')
    return text
  }

  /** The body piece by piece: for those too long for memory. The pieces are to be read only: a journal in memory gives what it holds. */
  async *stream(): AsyncGenerator<Uint8Array> {
    const item = this.#item
    if (item instanceof Uint8Array) yield item.subarray(this.#bodyAt)
    else yield* item.slice(this.#bodyAt).stream()
  }
}
