/**
 * A session's records (protocol section 7): bytes in, events out. It knows kinds, keys, limits and the order of CLOSE,
 * and nothing of envelopes. Time is an argument, in ms of any steady clock.
 */
import { concat, equal, fromUtf8, printable, utf8 } from '../bytes.ts'
import { random as systemRandom } from '../crypto/hash.ts'
import { PeerError } from '../errors.ts'
import type { TrafficSecrets } from '../handshake/key-schedule.ts'
import { decode, encode } from '../wire/codec.ts'
import {
  closePayload,
  KIND,
  type KindName,
  pingPayload,
  type Reason,
  REASON,
  receiptPayload,
  receiptPieces,
  type SignedStatement,
} from '../wire/records.ts'
import { type OpenedRecord, RecordOpener, Sealer } from './cipher.ts'
import { type Limits, LIMITS } from './limits.ts'

/** What came out of the bytes that a session took. */
export type SessionEvent =
  /** To a server, once, before all else: the client's first record has opened. */
  | { readonly type: 'confirmed' }
  /** A part of the envelope under way; `end` with its last. */
  | { readonly type: 'part'; readonly pieces: readonly Uint8Array[]; readonly end: boolean }
  | { readonly type: 'receipt'; readonly receipt: SignedStatement }
  | { readonly type: 'close'; readonly reason: Reason; readonly text: string }
  /** An answer to a PING, and how long it took in ms. */
  | { readonly type: 'pong'; readonly elapsed: number }

/** What a session is made of: the secrets of a handshake, and a role. */
export interface SessionOptions {
  readonly role: 'client' | 'server'
  readonly secrets: TrafficSecrets
  /** Whether the peer may send messages. */
  readonly mayReceive: boolean
  readonly limits?: Partial<Limits>
  readonly now: number
  /** Where the payloads of PINGs come from. */
  readonly random?: (length: number) => Uint8Array
  /** Sees each record sent and received, by its name and payload length. */
  readonly trace?: (sent: boolean, kind: KindName, length: number) => void
}

const nothing: readonly Uint8Array[] = []
const kindNames = Object.fromEntries(Object.entries(KIND).map(([name, kind]) => [kind, name as KindName]))

/** One for all sessions. */
function untraced(): void {}

/** One session over bytes: records are sealed and opened, limits kept, keys changed, PINGs answered. */
export class Session {
  readonly #sealer: Sealer
  readonly #opener: RecordOpener
  readonly #mayReceive: boolean
  readonly #limits: Limits
  readonly #random: NonNullable<SessionOptions['random']>
  readonly #trace: NonNullable<SessionOptions['trace']>
  /**
   * Made for what waits: where idle sessions keep an empty list each, the engine takes the lists that busy ones make at the
   * same place in the code for ones that stay too, and keeps all they held until it next goes through everything.
   */
  #output: Uint8Array[] | undefined
  #outputLength = 0
  #keySince: number
  #budget: number
  #budgetAt: number
  #contentUnderKey = 0
  #heardAt: number
  #reading = true
  #ping: { readonly payload: Uint8Array; readonly at: number } | undefined
  #pong: Uint8Array | undefined
  #confirmed: boolean
  #closeSentAt: number | undefined
  #closeReceived = false
  #faulted = false
  #erased = false

  constructor({ role, secrets, mayReceive, limits, now, random = systemRandom, trace = untraced }: SessionOptions) {
    this.#sealer = new Sealer(role === 'client' ? secrets.client : secrets.server)
    this.#opener = new RecordOpener(role === 'client' ? secrets.server : secrets.client)
    this.#mayReceive = mayReceive
    this.#limits = limits === undefined ? LIMITS : { ...LIMITS, ...limits }
    this.#random = random
    this.#trace = trace
    this.#confirmed = role === 'client'
    this.#keySince = this.#budgetAt = this.#heardAt = now
    this.#budget = this.#limits.budget
    // The client's first record confirms its keys; a PING does where there is nothing else to say yet.
    if (role === 'client') this.ping(now)
  }

  /** Whether this side has sent its CLOSE, and whether the peer's has come. */
  get closeSent(): boolean {
    return this.#closeSentAt !== undefined
  }

  /** Whether the peer's CLOSE has come. */
  get closeReceived(): boolean {
    return this.#closeReceived
  }

  /** Before the client has confirmed its keys, behind one's own CLOSE, and without keys, nothing is sent. */
  get #silent(): boolean {
    return this.closeSent || !this.#confirmed || this.#erased
  }

  /**
   * Takes bytes from the peer; none any more after its CLOSE, or after an error.
   *
   * @throws PeerError FRAME, NOT_AUTHENTIC: end without a word; ENCODING, PROTOCOL, LIMIT: end with CLOSE 4
   */
  *receive(chunk: Uint8Array, now: number): Generator<SessionEvent, void, undefined> {
    try {
      for (let at = 0; at < chunk.length && !this.#closeReceived && !this.#faulted && !this.#erased;) {
        const { taken, record } = this.#opener.take(chunk.subarray(at))
        at += taken
        if (record === undefined) continue
        this.#heardAt = now
        if (!this.#confirmed) {
          this.#confirmed = true
          yield { type: 'confirmed' }
        }
        const event = this.#opened(record, now)
        if (event !== undefined) yield event
      }
    } catch (error) {
      this.#faulted = true
      throw error
    }
  }

  #opened(record: OpenedRecord, now: number): SessionEvent | undefined {
    const { kind, payload, length } = record
    const name = kindNames[kind]
    if (name === undefined) throw new PeerError('PROTOCOL', `a record of kind ${kind}`)
    this.#trace(false, name, length)
    this.#account(name, length, now)
    const { mostRecords, mostBytes } = this.#limits
    if (this.#opener.seq > mostRecords || this.#opener.bytes > mostBytes) {
      throw new PeerError('LIMIT', 'too much under one key')
    }
    switch (name) {
      case 'MESSAGE':
      case 'MESSAGE-END':
        if (!this.#mayReceive) throw new PeerError('PROTOCOL', 'a message in a session that takes none')
        if (name === 'MESSAGE' && length === 0) throw new PeerError('PROTOCOL', 'an empty MESSAGE')
        return this.closeSent ? undefined : { type: 'part', pieces: payload, end: name === 'MESSAGE-END' }
      case 'RECEIPT':
        return { type: 'receipt', receipt: decode(receiptPayload, payload.length === 1 ? payload[0]! : concat(...payload)) }
      case 'KEY-UPDATE':
        if (length > 0) throw new PeerError('PROTOCOL', 'a KEY-UPDATE with a payload')
        this.#opener.update()
        this.#contentUnderKey = 0
        return undefined
      case 'PING':
        this.#pong = decode(pingPayload, concat(...payload))
        return undefined
      case 'PONG':
        return this.#ponged(decode(pingPayload, concat(...payload)), now)
      case 'CLOSE': {
        const { reason, text } = decode(closePayload, concat(...payload))
        this.#closeReceived = true
        const known = Math.min(reason, REASON.internal) as Reason
        return { type: 'close', reason: known, text: printable(fromUtf8(text) ?? 'not UTF-8') }
      }
    }
  }

  /** Records without content draw on a budget, so that nobody can keep this side busy for nothing. */
  #account(name: KindName, length: number, now: number): void {
    const { budget, budgetRate, freeUpdateAfter } = this.#limits
    if (name === 'RECEIPT' || name === 'CLOSE' || name === 'MESSAGE' || (name === 'MESSAGE-END' && length > 0)) {
      this.#contentUnderKey += 1
      return
    }
    if (name === 'KEY-UPDATE' && this.#contentUnderKey >= freeUpdateAfter) return
    this.#budget = Math.min(budget, this.#budget + ((now - this.#budgetAt) * budgetRate) / 1000)
    this.#budgetAt = now
    if (this.#budget < 1) throw new PeerError('LIMIT', 'too many records without content')
    this.#budget -= 1
  }

  #ponged(payload: Uint8Array, now: number): SessionEvent {
    if (this.#ping === undefined || !equal(this.#ping.payload, payload)) {
      throw new PeerError('PROTOCOL', 'a PONG that answers no PING')
    }
    const elapsed = now - this.#ping.at
    this.#ping = undefined
    return { type: 'pong', elapsed }
  }

  /** Queues one record, of at most 65,536 bytes of payload. */
  send(name: KindName, payload: readonly Uint8Array[], now: number): void {
    if (this.#silent) return
    const { updateRecords, updateBytes, updateAge } = this.#limits
    const { seq, bytes } = this.#sealer
    if (seq >= updateRecords || bytes >= updateBytes || now - this.#keySince >= updateAge) this.updateKey(now)
    this.#push(name, payload)
  }

  /** Changes this direction's key: the next record is protected by the new one. */
  updateKey(now: number): void {
    if (this.#silent) return
    this.#push('KEY-UPDATE', nothing)
    this.#sealer.update()
    this.#keySince = now
  }

  #push(name: KindName, payload: readonly Uint8Array[]): void {
    const pieces = this.#sealer.record(KIND[name], payload)
    for (const piece of pieces) this.#outputLength += piece.length
    if (this.#output === undefined) this.#output = pieces
    else this.#output.push(...pieces)
    this.#trace(
      true,
      name,
      payload.reduce((sum, piece) => sum + piece.length, 0),
    )
  }

  /** Queues a receipt. */
  sendReceipt(receipt: SignedStatement, now: number): void {
    this.send('RECEIPT', receiptPieces(receipt), now)
  }

  /** Asks for a PONG, unless one is awaited already. */
  ping(now: number): void {
    if (this.#ping !== undefined || this.#silent) return
    this.#ping = { payload: this.#random(8), at: now }
    this.send('PING', [this.#ping.payload], now)
  }

  /** Queues CLOSE, this side's last record; nothing where one was sent already. */
  close(reason: Reason, text: string, now: number): void {
    if (this.#silent) return
    this.send('CLOSE', [encode(closePayload, { reason, text: utf8(text) })], now)
    this.#closeSentAt = now
  }

  /** Bytes that wait to be written. */
  get outputLength(): number {
    return this.#outputLength
  }

  /** What is to be written next, in order. Of several PINGs that came meanwhile only the last is answered. */
  takeOutput(now: number): readonly Uint8Array[] {
    if (this.#pong !== undefined) {
      const payload = this.#pong
      this.#pong = undefined
      this.send('PONG', [payload], now)
    }
    const output = this.#output ?? nothing
    this.#output = undefined
    this.#outputLength = 0
    return output
  }

  /**
   * This side reads no further for now: that nothing is heard is no silence of the peer's, and its PINGs go without an
   * answer. As a sign of life it gets a KEY-UPDATE instead, the one record that wants none.
   */
  pause(): void {
    this.#reading = false
  }

  /** This side reads on. */
  resume(now: number): void {
    this.#reading = true
    this.#heardAt = now
  }

  /** When `tick` is due next. */
  get nextTick(): number {
    const { closeWithin, pingAfter, idleAfter } = this.#limits
    if (this.#closeSentAt !== undefined) return this.#closeSentAt + closeWithin
    const asks = this.#ping === undefined || !this.#reading
    return this.#heardAt + (asks && this.#confirmed ? pingAfter : idleAfter)
  }

  /**
   * Does what is due: PING or another sign of life, or CLOSE 2, or the end of the wait for the peer's CLOSE; answers whether
   * the session goes on.
   */
  tick(now: number): 'on' | 'idle' | 'expired' {
    if (now < this.nextTick) return 'on'
    if (this.closeSent) return 'expired'
    if (!this.#reading) {
      this.#heardAt = now
      this.updateKey(now)
      return 'on'
    }
    if (now >= this.#heardAt + this.#limits.idleAfter) {
      this.close(REASON.idle, 'nothing was heard for too long', now)
      return 'idle'
    }
    this.ping(now)
    return 'on'
  }

  /** Forgets the keys: nothing is sealed or opened any more, as it would be under zeros. */
  erase(): void {
    this.#erased = true
    this.#sealer.erase()
    this.#opener.erase()
  }
}
