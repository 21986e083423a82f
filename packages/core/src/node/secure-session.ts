/** A session over a byte stream: what `connect` and `listen` give their callers. */
import { hex } from '../bytes.ts'
import type { MessageBody, MessageOptions } from '../delivery/compose.ts'
import { Exchange } from '../delivery/exchange.ts'
import type { Memory } from '../delivery/memory.ts'
import type { Message } from '../delivery/message.ts'
import type { Outbox, Receipt } from '../delivery/outbox.ts'
import { CountersignError, LocalError, NetworkError, PeerError } from '../errors.ts'
import type { Established, VerifiedPeer } from '../handshake/peer.ts'
import { Session, type SessionEvent } from '../session/session.ts'
import { LEAST_ITEM } from '../wire/envelope.ts'
import { type Reason, REASON } from '../wire/records.ts'
import { closeError, reasonOf, textOf } from './ending.ts'
import { MessageQueue } from './message-queue.ts'
import { type CommonOptions, ownKeysOf, placeOf } from './options.ts'
import { Outlet } from './outlet.ts'
import type { Wire } from './wire.ts'

/** How a session ended: cleanly, with what the peer's CLOSE said, or by a fault. */
export interface SessionEnd {
  /** The reason of the peer's CLOSE, where one came, and what it said with it: a claim, with control characters escaped. */
  readonly reason?: Reason
  readonly text?: string
  readonly error?: CountersignError
}

/** What a session needs beside its options; `listen` knows of the other sessions of the same peer. */
export interface SessionSurroundings {
  readonly outbox: Outbox
  /** The outbox id that this side announced. */
  readonly outboxId: Uint8Array
  /** What the outbox's `mark` was before the handshake. */
  readonly mark?: number
  /** What this and other sessions may hold in memory. */
  readonly memory: Memory
  /** The first record of the peer has opened: whoever held its place before gives it up now. */
  readonly takeOver: (session: SecureSession) => Promise<void>
}

/** Bytes of an envelope that may wait to be looked at before the stream is read on. */
const MOST_UNREAD = 1024 * 1024
/**
 * A session with a proven peer: send messages, and iterate over it for those that come.
 *
 * Disposed of, it is closed: receipts are waited for.
 */
export class SecureSession implements AsyncIterable<Message>, AsyncDisposable {
  /** The peer, as it has proved itself. */
  readonly peer: VerifiedPeer
  /** The session's name for logs: hexadecimal. */
  readonly id: string
  /** Resolves when the session is over; never rejects. */
  readonly closed: Promise<SessionEnd>
  /** Without the secrets, which the session's keys have taken over. */
  readonly #established: Omit<Established, 'secrets'>
  readonly #wire: Wire
  readonly #session: Session
  readonly #outlet: Outlet
  readonly #outbox: Outbox
  readonly #surroundings: SessionSurroundings
  readonly #exchange: Exchange
  readonly #messages = new MessageQueue()
  readonly #pings: ((elapsed: number) => void)[] = []
  readonly #resolveClosed: (end: SessionEnd) => void
  /** Until the peer's first record has opened. */
  #first: PromiseWithResolvers<void> | undefined = Promise.withResolvers()
  #closing: Promise<void> | undefined
  #end: SessionEnd | undefined
  #paused = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @internal For `connect`, `listen` and `secureClient` and `secureServer` alone: use those. */
  constructor(wire: Wire, { secrets, ...established }: Established, options: CommonOptions, surroundings: SessionSurroundings) {
    const { peer, role, mayReceive, peerOutbox } = established
    this.peer = peer
    this.id = hex(secrets.sessionId)
    this.#established = established
    this.#wire = wire
    this.#outbox = surroundings.outbox
    this.#surroundings = surroundings
    const { promise, resolve } = Promise.withResolvers<SessionEnd>()
    this.closed = promise
    this.#resolveClosed = resolve
    const { limits, trace } = options
    this.#session = new Session({
      role,
      secrets,
      mayReceive,
      now: performance.now(),
      ...(limits && { limits }),
      ...(trace && { trace: (sent, kind, length) => trace({ sent, frame: 'RECORD', kind, length: length + 21 }) }),
    })
    this.#outlet = new Outlet(this.#session, wire)
    const ownKeys = ownKeysOf(options)
    this.#exchange = new Exchange({
      established,
      outbox: this.#outbox,
      outboxId: surroundings.outboxId,
      ...(surroundings.mark !== undefined && { mark: surroundings.mark }),
      journal: options.journal,
      policy: options.policy,
      maxItem: options.maxItem ?? 2 ** 53,
      memory: surroundings.memory,
      ownKeys,
      place: placeOf(peer, ownKeys, peerOutbox),
      now: Date.now,
      send: (kind, payload) => {
        this.#session.send(kind, payload, performance.now())
        return this.#outlet.flushed()
      },
      respond: (receipt) => {
        this.#session.sendReceipt(receipt, performance.now())
        this.#outlet.soon()
      },
      deliver: (messages) => this.#messages.push(messages),
    })
    if (role === 'client') this.#begin()
    wire.listen({
      chunk: (chunk) => this.#chunk(chunk),
      end: (error) => this.#streamEnded(error),
      drain: () => this.#outlet.flush(),
    })
    this.#outlet.flush()
    this.#arm()
  }

  /** @internal Resolves when the peer's first record has opened; rejects where the session ends before. */
  get confirmed(): Promise<void> {
    return this.#first?.promise ?? Promise.resolve()
  }

  /** Whether this side may send messages in this session. */
  get sends(): boolean {
    return this.#exchange.sends
  }

  /** Whether this side takes messages in this session. */
  get receives(): boolean {
    return this.#established.mayReceive
  }

  /** The longest item that the peer takes, in bytes. */
  get peerMaxItem(): number {
    return this.#established.maxItem
  }

  /** Bytes that the peer holds already of the envelope that this session sends first: what an earlier one has left there. */
  get peerHolds(): number {
    return this.#established.position.offset
  }

  /** @internal The peer's outbox in this session. */
  get peerOutbox(): Uint8Array {
    return this.#established.peerOutbox
  }

  /**
   * Sends a message.
   *
   * @returns its receipt, verified: outcome 'stored' or 'received'
   * @throws LocalError MESSAGE_FORM, MESSAGE_TOO_LONG, PEER_NOT_RECEIVING, SESSION_ENDED; PeerError MESSAGE_REFUSED;
   *   and whatever ended the session before the receipt came
   */
  send(body: MessageBody, options?: MessageOptions): Promise<Receipt> {
    if (this.#end !== undefined || this.#closing !== undefined) return Promise.reject(this.#endError())
    if (!this.sends) return Promise.reject(new LocalError('PEER_NOT_RECEIVING'))
    const { maxItem } = this.#established
    const length = body instanceof Blob ? body.size : Buffer.byteLength(body)
    if (length + LEAST_ITEM > maxItem) return Promise.reject(new LocalError('MESSAGE_TOO_LONG', `${length} bytes`))
    return this.#outbox.send(this.peer, body, options)
  }

  /** The messages that the peer sends, each stored and receipted; throws at its end where the session ended by a fault. */
  [Symbol.asyncIterator](): AsyncIterator<Message, void, undefined> {
    return this.#messages[Symbol.asyncIterator]()
  }

  /** A round trip, in ms. */
  ping(): Promise<number> {
    if (this.#end !== undefined) return Promise.reject(this.#endError())
    return new Promise((resolve) => {
      this.#pings.push(resolve)
      this.#session.ping(performance.now())
      this.#outlet.flush()
    })
  }

  /** Changes the key of this side's direction. */
  updateKey(): void {
    this.#session.updateKey(performance.now())
    this.#outlet.flush()
  }

  /** Waits for the receipts of all that was sent, gives those that are owed, sends CLOSE and waits for the peer's. */
  async close(reason: Reason = REASON.done, text = ''): Promise<void> {
    this.#closing ??= this.#close(reason, text)
    await this.#closing
    await this.closed
  }

  async #close(reason: Reason, text: string): Promise<void> {
    await Promise.race([this.#outbox.idle(this.peer), this.closed])
    await this.#sayClose(reason, text)
  }

  /**
   * Closes without waiting for receipts: what has none stays in the outbox, or is given up where that is in memory.
   *
   * Resolves when all that this side has stored is receipted and CLOSE is on its way; `closed` tells of the end.
   */
  abandon(reason: Reason, text = ''): Promise<void> {
    this.#closing = this.#sayClose(reason, text)
    return this.#closing
  }

  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The last words: the receipts of all that is stored, then CLOSE. */
  async #sayClose(reason: Reason, text: string): Promise<void> {
    await this.#exchange.finish()
    if (this.#end !== undefined) return
    this.#session.close(reason, text, performance.now())
    this.#outlet.flush()
    this.#arm()
    if (this.#session.closeReceived) this.#finish({})
  }

  /** @internal No further message is sent here: a newer session of this peer takes them. */
  stopSending(): void {
    this.#exchange.stopSending()
  }

  #begin(): void {
    const ready = this.#surroundings.takeOver(this).then(() => {
      this.#first?.resolve()
      this.#first = undefined
    })
    this.#run(this.#exchange.run(ready))
  }

  /** Lets work go on by itself; its failure ends the session. */
  #run(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#fail(error))
  }

  #chunk(chunk: Uint8Array): void {
    try {
      for (const event of this.#session.receive(chunk, performance.now())) this.#event(event)
    } catch (error) {
      this.#fail(error)
    }
    this.#outlet.flush()
    if (this.#exchange.parts.buffered > MOST_UNREAD || this.#messages.full || this.#outlet.full) this.#hold()
  }

  /** Reads no further until what has come is dealt with. */
  #hold(): void {
    if (this.#paused) return
    this.#paused = true
    this.#wire.pause()
    const resume = async (): Promise<void> => {
      this.#session.pause()
      this.#arm()
      await this.#exchange.parts.room(MOST_UNREAD / 2)
      await this.#messages.room()
      // From here on it is the peer that does not take what it is sent.
      this.#session.resume(performance.now())
      await this.#outlet.room()
      this.#paused = false
      this.#wire.resume()
    }
    this.#run(resume())
  }

  #event(event: SessionEvent): void {
    switch (event.type) {
      case 'confirmed':
        this.#arm()
        return this.#begin()
      case 'part': {
        const receiving = this.#exchange.part(event.pieces, event.end)
        return receiving && this.#run(receiving)
      }
      case 'receipt':
        return this.#run(this.#exchange.receipt(event.receipt))
      case 'pong':
        for (const resolve of this.#pings.splice(0)) resolve(event.elapsed)
        return this.#arm()
      case 'close':
        return this.#run(this.#peerClosed(event.reason, event.text))
    }
  }

  /** Answers the peer's CLOSE with the receipts that it is owed and a CLOSE of one's own. */
  async #peerClosed(reason: Reason, text: string): Promise<void> {
    const error = closeError(reason, text)
    await this.#exchange.finish()
    await this.#exchange.settled
    if (this.#end !== undefined) return
    this.#session.close(REASON.done, '', performance.now())
    this.#outlet.flush()
    this.#finish({ reason, ...(text !== '' && { text }), ...(error && { error }) })
  }

  #streamEnded(cause: Error | undefined): void {
    // Behind the peer's CLOSE nothing is missing: what it said is the end, once the receipts before it are kept.
    if (this.#end !== undefined || this.#session.closeReceived) return
    this.#fail(new NetworkError('TRUNCATED', undefined, { cause }))
  }

  /** Ends the session by a fault: without a word where what came was not authentic, else with CLOSE. */
  #fail(cause: unknown): void {
    if (this.#end !== undefined || this.#failing) return
    this.#failing = true
    const error = cause instanceof CountersignError ? cause : new LocalError('INTERNAL', undefined, { cause })
    const reason = reasonOf(error)
    const finish = async (): Promise<void> => {
      if (reason !== undefined) await this.#sayClose(reason, textOf(error))
      this.#finish({ error })
    }
    void finish()
  }

  #failing = false

  #finish(end: SessionEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    clearTimeout(this.#timer)
    this.#outlet.finish()
    const error = this.#endError()
    this.#outbox.end(this.peer, error)
    this.#first?.reject(error)
    this.#first?.promise.catch(() => {})
    this.#session.erase()
    this.#wire.end()
    const over = async (): Promise<void> => {
      await this.#exchange.finish()
      this.#messages.finish(end.error)
      this.#resolveClosed(end)
    }
    void over()
  }

  #endError(): CountersignError {
    if (this.#end?.error !== undefined) return this.#end.error
    return this.#end?.reason === undefined ? new LocalError('SESSION_ENDED') : new PeerError('CLOSED_BY_PEER')
  }

  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#end !== undefined) return
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, this.#session.nextTick - performance.now()))
  }

  #tick(): void {
    const state = this.#session.tick(performance.now())
    this.#outlet.flush()
    if (state === 'idle') this.#fail(new NetworkError('IDLE'))
    else if (state === 'expired') this.#finish({ error: new NetworkError('TRUNCATED', 'no CLOSE came') })
    else this.#arm()
  }
}
