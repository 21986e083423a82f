/** Receives envelopes: verifies, stores, and answers each with a receipt, in order (protocol sections 5, 8 and 9). */
import { equal, view } from '../bytes.ts'
import { sha256, sha256Text } from '../crypto/hash.ts'
import type { PublicKey } from '../crypto/keys.ts'
import { type Identity, lentPae, verify } from '../crypto/signature.ts'
import { LocalError, PeerError } from '../errors.ts'
import type { Peer } from '../handshake/step.ts'
import { decode, MAX_U64, Reader, u64, u64OrMark, WITHDRAWN_MARK } from '../wire/codec.ts'
import {
  type Attributes,
  countOf,
  type ItemParts,
  MAX_BATCH,
  MAX_STATEMENT,
  MESSAGE_TYPE,
  type MessageStatement,
  messageStatement,
  readItemHead,
} from '../wire/envelope.ts'
import type { Position } from '../wire/frames.ts'
import { OUTCOME, type Outcome } from '../wire/receipt.ts'
import { kept, type SignedStatement } from '../wire/records.ts'
import type { Journal, Place } from './journal.ts'
import { type Incoming, Ledger } from './ledger.ts'
import { LongItem } from './long-item.ts'
import { Memory, type Share } from './memory.ts'
import type { Message } from './message.ts'
import { Abandoned, PartStream } from './part-stream.ts'

/** What a receiver takes: asked before anything of an envelope is stored. False is a refusal, outcome 3. */
export interface Policy {
  /** As soon as statement and lengths are read: the items' lengths in bytes. */
  envelope?(incoming: {
    readonly peer: Peer
    /** Where it stands: of a sender's many outboxes each has a place of its own in the journal. Each session has an object of its own. */
    readonly place: Place
    readonly first: number
    readonly lengths: readonly number[]
    /** Whether it is kept in part while it comes: one long item, of which there is one at a place at a time. */
    readonly partial: boolean
  }): boolean | Promise<boolean>
  /** As soon as a message's attributes are read. */
  item?(incoming: {
    readonly peer: Peer
    readonly number: number
    readonly attributes: Attributes
    readonly length: number
  }): boolean | Promise<boolean>
  /**
   * Once a session is over in which envelopes were asked for, with the same object as their place: of what was taken, nothing
   * is given to the journal any more.
   */
  over?(place: Place): void
}

/** Whose messages are received in one session, into which journal, and who is told. */
export interface ReceiverOptions {
  /** Where the session puts what has come. */
  readonly parts: PartStream
  readonly place: Place
  readonly peer: Peer
  /** Who signs the receipts. */
  readonly identity: Identity
  /** Every key of this side's own chain, which a statement may name in `to`. */
  readonly ownKeys: readonly PublicKey[]
  readonly journal: Journal
  /** The position that this session's handshake announced. */
  readonly announced: Position
  /** The longest item taken, in bytes. */
  readonly maxItem: number
  readonly policy?: Policy
  /** What this and other sessions may hold in memory; of its own where it is not said. */
  readonly memory?: Memory
  /** Milliseconds since 1970, UTC. */
  readonly now: () => number
  /** Called in the order of the envelopes, once what each receipt says is true. */
  readonly respond: (receipt: SignedStatement) => void
  /** Hands on messages that are stored and receipted. */
  readonly deliver: (messages: readonly Message[]) => void
}

/** Items longer than this are spooled on their way in, and can be resumed. */
const SPOOL_FROM = 1024 * 1024
const SPOOL_PIECE = 256 * 1024
const MOST_CONFLICTS = 16
/** Envelopes that may wait for their commit at a time, */
const MOST_UNANSWERED = 64
/** and bytes of them before no further one is begun. */
const MOST_UNANSWERED_BYTES = 16 * 1024 * 1024
/** Shorter envelopes are not counted one by one: so many of them as may wait for their commit are not much. */
const COUNTED_FROM = 64 * 1024

/** What follows the signature: nothing, the mark of a withdrawal, or where and how long the items are. */
type Form =
  | 'short'
  | typeof WITHDRAWN_MARK
  | { readonly offset: number; readonly lengths: readonly number[]; readonly left: number }

function statementLength(length: number): number {
  if (length > MAX_STATEMENT) throw new PeerError('ENCODING', 'a statement that is too long')
  return length
}

function readLengths(reader: Reader, count: number): { readonly lengths: readonly number[]; readonly total: number } {
  const lengths: number[] = []
  let total = 0
  for (let i = 0; i < count; i++) {
    const length = u64.read(reader)
    lengths.push(length)
    total += length
  }
  return { lengths, total }
}

/** Receives the envelopes of one session, one after the other. */
export class Receiver {
  readonly #parts: PartStream
  readonly #options: ReceiverOptions
  readonly #ledger: Ledger
  readonly #share: Share

  private constructor(options: ReceiverOptions, ledger: Ledger) {
    const { parts, memory = new Memory() } = options
    this.#options = options
    this.#parts = parts
    this.#ledger = ledger
    this.#share = memory.share(parts)
  }

  /** A receiver that goes on where the place stands now: what was stored since the handshake is known to it. */
  static async open(options: ReceiverOptions): Promise<Receiver> {
    return new Receiver(options, new Ledger(options, await options.journal.head(options.place), options.parts))
  }

  /**
   * Receives until `parts` is finished, and until all that was received is answered.
   *
   * @throws PeerError PROTOCOL, ENCODING, BAD_SIGNATURE, GAP, SUPERSEDED; LocalError STORAGE, PLACE_MOVED
   */
  async run(): Promise<void> {
    let fault: unknown
    try {
      for (;;) {
        if (!this.#parts.begun) await this.#parts.news()
        if (!this.#parts.begun) break
        const receiving = this.#envelope()
        if (receiving !== undefined) await receiving
        const { unanswered } = this.#ledger
        if (unanswered >= MOST_UNANSWERED || this.#share.unanswered >= MOST_UNANSWERED_BYTES) await this.#ledger.answered
      }
    } catch (error) {
      if (!(error instanceof Abandoned)) fault = error
    } finally {
      this.#share.leave()
    }
    try {
      await this.#ledger.answered
    } finally {
      this.#options.policy?.over?.(this.#options.place)
    }
    if (fault !== undefined) throw fault
  }

  /** The next envelope: at once where all of it has come in one piece, as that of a few short messages does. */
  #envelope(): void | Promise<void> {
    const { entire } = this.#parts
    return entire === undefined ? this.#envelopeInParts() : this.#envelopeAtOnce(entire)
  }

  async #envelopeInParts(): Promise<void> {
    const signed = await this.#parts.read(statementLength(await this.#parts.u32()))
    const signature = await this.#parts.read(this.#signatureLength(await this.#parts.u32()))
    return this.#verifiedEnvelope(this.#verify(signed, signature))
  }

  /** The same; to wait for what is there already would cost a short message as much as the rest of its way through here. */
  #envelopeAtOnce(envelope: Uint8Array): void | Promise<void> {
    const reader = new Reader(envelope)
    const signed = reader.take(statementLength(reader.uint(4)))
    const incoming = this.#verify(signed, reader.take(this.#signatureLength(reader.uint(4))))
    const verified = envelope.length - reader.left
    const lengths = this.#ordinary(incoming.statement, reader)
    if (lengths === undefined) {
      void this.#parts.read(verified)
      return this.#verifiedEnvelope(incoming)
    }
    const take = (taken: boolean): void | Promise<void> => {
      if (!taken) return this.#refuse(incoming, envelope.length)
      void this.#parts.read(envelope.length)
      void this.#parts.end()
      return this.#takeItems(incoming, lengths, reader.take(reader.left))
    }
    const takes = this.#takes(incoming.statement, lengths, false)
    return takes instanceof Promise ? takes.then(take) : take(takes)
  }

  /** The lengths of the items of an envelope that is due, whole and short; undefined for any other. */
  #ordinary(statement: MessageStatement, reader: Reader): readonly number[] | undefined {
    const { next } = this.#ledger.head.position
    const count = countOf(statement)
    if (statement.first !== next || next < this.#options.announced.next || reader.left < 8 + 8 * count) return undefined
    const offset = u64OrMark.read(reader)
    const { lengths, total } = readLengths(reader, count)
    return offset === 0 && total === reader.left && total <= COUNTED_FROM ? lengths : undefined
  }

  async #verifiedEnvelope(incoming: Incoming): Promise<void> {
    const { statement, digest } = incoming
    const form = await this.#readForm(statement, digest)
    const { next } = this.#ledger.head.position
    if (statement.first > next) throw new PeerError('GAP', `number ${statement.first} where ${next} is due`)
    const left = typeof form === 'string' ? 0 : form.left
    if (statement.first < next) return this.#answerKnown(incoming, left)
    if (form === 'short') throw new LocalError('PLACE_MOVED', 'the journal stands behind what it announced')
    if (form === WITHDRAWN_MARK) {
      await this.#parts.end()
      await this.#options.journal.dropPartial(this.#options.place)
      return this.#ledger.commit(incoming, OUTCOME.withdrawn, [])
    }
    // Only a long item is held in part: one that is resumed and is not long has another length than it had.
    const partial = (form.lengths.length === 1 && form.lengths[0]! > SPOOL_FROM) || form.offset > 0
    if (!(await this.#takes(statement, form.lengths, partial))) return this.#refuse(incoming, left)
    if (partial) return this.#receiveLong(incoming, form.lengths[0]!, form.offset)
    return this.#receiveItems(incoming, form.lengths, left)
  }

  #signatureLength(length: number): number {
    const known = this.#options.peer.keys.some(({ signatureLength }) => signatureLength === length)
    if (!known) throw new PeerError('BAD_SIGNATURE', 'of a wrong length')
    return length
  }

  /** Statement and signature: nothing else is looked at, and nothing stored, before they are verified. */
  #verify(signed: Uint8Array, signature: Uint8Array): Incoming {
    const { place, peer, ownKeys } = this.#options
    const message = kept(signed, signature)
    const statement = decode(messageStatement, message.statement)
    const key = peer.keys.find(({ id }) => equal(id, statement.from))
    if (key === undefined) throw new PeerError('PROTOCOL', 'a statement from another sender')
    if (!ownKeys.some(({ id }) => equal(id, statement.to))) throw new PeerError('PROTOCOL', 'a statement to another receiver')
    if (!equal(statement.outbox, place.outbox)) throw new PeerError('PROTOCOL', 'a statement of another outbox')
    const covered = lentPae(MESSAGE_TYPE, message.statement)
    if (!verify(key, covered, message.signature)) throw new PeerError('BAD_SIGNATURE', 'of a message')
    return { statement, message, digest: sha256(covered) }
  }

  async #readForm(statement: MessageStatement, digest: Uint8Array): Promise<Form> {
    const { announced, journal, place } = this.#options
    if (statement.first < announced.next) return 'short'
    const offset = decode(u64OrMark, await this.#parts.read(8))
    if (offset === WITHDRAWN_MARK) return WITHDRAWN_MARK
    const count = countOf(statement)
    const { lengths, total } = readLengths(new Reader(await this.#parts.read(8 * count)), count)
    if (total >= MAX_U64) throw new PeerError('ENCODING', 'lengths that cannot be')
    if (count > 1 && total > MAX_BATCH) throw new PeerError('PROTOCOL', 'an envelope of several messages that is too long')
    const resumes = statement.first === announced.next && equal(digest, announced.digest) && offset === announced.offset
    if (offset !== 0 && !resumes) throw new PeerError('PROTOCOL', 'an offset that was not announced')
    if (offset > total) {
      await journal.dropPartial(place)
      throw new PeerError('PROTOCOL', 'lengths other than the first time')
    }
    return { offset, lengths, left: total - offset }
  }

  #takes({ first }: MessageStatement, lengths: readonly number[], partial: boolean): boolean | Promise<boolean> {
    const { maxItem, policy, peer, place } = this.#options
    if (lengths.some((length) => length > maxItem)) return false
    return policy?.envelope?.({ peer, place, first, lengths, partial }) ?? true
  }

  #takesItem(number: number, { attributes }: ItemParts, length: number): boolean | Promise<boolean> {
    const { policy, peer } = this.#options
    return policy?.item?.({ peer, number, attributes, length }) ?? true
  }

  /** The same envelope again gets its receipt again; another one at taken numbers gets a conflict. */
  async #answerKnown(incoming: Incoming, left: number): Promise<void> {
    const { journal, place } = this.#options
    await this.#ledger.answered
    const known = await journal.find(place, incoming.digest)
    if (known !== undefined) this.#ledger.answer(known)
    else if (this.#ledger.head.conflicts < MOST_CONFLICTS) this.#ledger.commit(incoming, OUTCOME.conflict, [])
    else throw new PeerError('PROTOCOL', 'conflicts without end')
    await this.#parts.skip(left)
  }

  async #refuse(incoming: Incoming, left: number): Promise<void> {
    await this.#options.journal.dropPartial(this.#options.place)
    this.#ledger.commit(incoming, OUTCOME.refused, [])
    await this.#parts.skip(left)
  }

  /** Items that fit in memory, whole. */
  async #receiveItems(incoming: Incoming, lengths: readonly number[], left: number): Promise<void> {
    const counted = left > COUNTED_FROM
    const all = await (counted ? this.#share.read(left) : this.#parts.read(left))
    await this.#parts.end()
    await this.#takeItems(incoming, lengths, all)
    if (counted) this.#share.whole(this.#ledger.answered)
  }

  #takeItems(incoming: Incoming, lengths: readonly number[], all: Uint8Array): void | Promise<void> {
    let at = 0
    const items = lengths.map((length) => all.subarray(at, (at += length)))
    // Joined and compared as one text: to compare each by itself would cost as much as a third of its hash.
    if (items.map(sha256Text).join('') !== view(incoming.statement.leaves).toString('latin1')) return this.#mismatch()
    const parsed: ItemParts[] = []
    for (const item of items) {
      const head = readItemHead(item, item.length)
      if (head !== undefined && head !== 'more') parsed.push(head)
    }
    const formed = parsed.length === items.length
    if (formed && this.#options.policy?.item !== undefined) return this.#takeIfAllowed(incoming, items, parsed)
    this.#keep(incoming, items, parsed, formed)
  }

  async #takeIfAllowed(incoming: Incoming, items: readonly Uint8Array[], parsed: readonly ItemParts[]): Promise<void> {
    let allowed = true
    for (const [i, head] of parsed.entries()) {
      if (!(await this.#takesItem(incoming.statement.first + i, head, items[i]!.length))) allowed = false
    }
    this.#keep(incoming, items, parsed, allowed)
  }

  #keep(incoming: Incoming, items: readonly Uint8Array[], parsed: readonly ItemParts[], taken: boolean): void {
    if (taken) this.#ledger.commit(incoming, this.#stored, items, parsed)
    else this.#ledger.commit(incoming, OUTCOME.refused, [])
  }

  async #mismatch(): Promise<never> {
    await this.#options.journal.dropPartial(this.#options.place)
    throw new PeerError('PROTOCOL', 'a message does not match its leaf')
  }

  get #stored(): Outcome {
    return this.#options.journal.durable ? OUTCOME.stored : OUTCOME.received
  }

  /** One long item, written to the journal's spool while it comes. */
  async #receiveLong(incoming: Incoming, length: number, offset: number): Promise<void> {
    const { journal, place } = this.#options
    const { statement, digest } = incoming
    // A commit under way would drop what is held at this place.
    await this.#ledger.answered
    let spool = await journal.spool(place, digest, length)
    if (spool.length !== length) {
      await spool.discard()
      throw new PeerError('PROTOCOL', 'lengths other than the first time')
    }
    if (offset === 0 && spool.offset > 0) {
      await spool.discard()
      spool = await journal.spool(place, digest, length)
    }
    if (offset !== spool.offset) throw new LocalError('PLACE_MOVED', 'an offset no longer fits')
    const item = new LongItem(length)
    for await (const piece of spool.read()) item.add(piece)
    let kept = false
    try {
      while (item.received < length) {
        // Storage sees few, large writes.
        const pieces = await this.#parts.whole(SPOOL_PIECE, length - item.received)
        for (const piece of pieces) item.add(piece)
        if (item.head === undefined && item.formKnown) break
        if (item.takeHead() && !(await this.#takesItem(statement.first, item.head!, length))) {
          await spool.discard()
          this.#ledger.commit(incoming, OUTCOME.refused, [])
          return await this.#parts.skip(length - item.received)
        }
        await spool.write(pieces)
      }
      // A form that is wrong is a refusal only where the leaf holds: what is left is hashed, and kept nowhere.
      while (item.received < length) item.add(await this.#parts.some(length - item.received))
      await this.#parts.end()
      kept = true
    } finally {
      if (!kept) await spool.suspend()
    }
    if (!equal(item.leaf(), statement.leaves)) {
      await spool.discard()
      throw new PeerError('PROTOCOL', 'a message does not match its leaf')
    }
    if (item.head === undefined) {
      await spool.discard()
      return this.#ledger.commit(incoming, OUTCOME.refused, [])
    }
    return this.#ledger.commit(incoming, this.#stored, spool, [item.head])
  }
}
