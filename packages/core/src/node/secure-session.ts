/** A session over a byte stream: what `connect` and `listen` give their callers. */
import { hex } from '../bytes.ts'
import type { MessageBody, MessageOptions } from '../delivery/compose.ts'
import type { Message } from '../delivery/message.ts'
import type { Outbox, Receipt } from '../delivery/outbox.ts'
import { PartStream } from '../delivery/part-stream.ts'
import { Receiver } from '../delivery/receiver.ts'
import { Sender } from '../delivery/sender.ts'
import { CountersignError, LocalError, NetworkError, PeerError } from '../errors.ts'
import type { Established, VerifiedPeer } from '../handshake/peer.ts'
import { Session, type SessionEvent } from '../session/session.ts'
import { LEAST_ITEM } from '../wire/envelope.ts'
import { type Reason, REASON } from '../wire/records.ts'
import { closeError, reasonOf } from './ending.ts'
import { MessageQueue } from './message-queue.ts'
import { type CommonOptions, ownKeysOf, placeOf } from './options.ts'
import { Outlet } from './outlet.ts'
import type { Wire } from './wire.ts'

/** How a session ended: cleanly, with what the peer's CLOSE said, or by a fault. */
export interface SessionEnd {
  /** The reason of the peer's CLOSE, where one came. */
  readonly reason?: Reason
  readonly error?: CountersignError
}

/** What a session needs beside its options; `listen` knows of the other sessions of the same peer. */
export interface SessionSurroundings {
  readonly outbox: Outbox
  /** The first record of the peer has opened: whoever held its place before gives it up now. */
  takeOver(session: SecureSession): Promise<void>
}

/** Bytes of an envelope that may wait to be looked at before the stream is read on. */
const MOST_UNREAD = 4 * 1024 * 1024
export class SecureSession implements AsyncIterable<Message>, AsyncDisposable {
  /** The peer, as it has proved itself. */
  readonly peer: VerifiedPeer
  /** The session's name for logs: hexadecimal. */
  readonly id: string
  /** Resolves when the session is over; never rejects. */
  readonly closed: Promise<SessionEnd>
  readonly #established: Established
  readonly #options: CommonOptions
  readonly #wire: Wire
  readonly #session: Session
  readonly #outlet: Outlet
  readonly #outbox: Outbox
  readonly #surroundings: SessionSurroundings
  readonly #sender: Sender
  readonly #parts = new PartStream()
  readonly #messages = new MessageQueue()
  readonly #sending = new Set<Promise<unknown>>()
  readonly #pings: ((elapsed: number) => void)[] = []
  readonly #resolveClosed: (end: SessionEnd) => void
  readonly #first = Promise.withResolvers<void>()
  #receiving: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined
  #end: SessionEnd | undefined
  #paused = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** For `connect`, `listen` and `secure` alone: use those. */
  constructor(wire: Wire, established: Established, options: CommonOptions, surroundings: SessionSurroundings) {
    const { peer, secrets, role, mayReceive, position } = established
    this.peer = peer
    this.id = hex(secrets.sessionId)
    this.#established = established
    this.#options = options
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
    this.#sender = new Sender({
      outbox: this.#outbox,
      peer,
      ownKeys: ownKeysOf(options),
      position,
      send: (kind, payload) => {
        this.#session.send(kind, payload, performance.now())
        return this.#outlet.flushed()
      },
    })
    wire.listen(
      (chunk) => this.#chunk(chunk),
      (error) => this.#streamEnded(error),
      () => this.#outlet.flush(),
    )
    if (role === 'client') this.#begin()
    this.#outlet.flush()
    this.#arm()
  }

  /** @internal Resolves when the peer's first record has opened; rejects where the session ends before. */
  get confirmed(): Promise<void> {
    return this.#first.promise
  }

  /** Whether this side may send messages in this session. */
  get sends(): boolean {
    return this.#established.maySend && !this.#senderStopped
  }

  /** Whether this side takes messages in this session. */
  get receives(): boolean {
    return this.#established.mayReceive
  }

  /** The longest item that the peer takes, in bytes. */
  get peerMaxItem(): number {
    return this.#established.maxItem
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
    const sending = this.#outbox.send(this.peer, body, options)
    this.#sending.add(sending)
    const done = (): unknown => this.#sending.delete(sending)
    sending.then(done, done)
    return sending
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
    while (this.#sending.size > 0 && this.#end === undefined) await Promise.allSettled(this.#sending)
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The last words: the receipts of all that is stored, then CLOSE. */
  async #sayClose(reason: Reason, text: string): Promise<void> {
    this.#sender.stop()
    this.#parts.finish()
    await this.#receiving.catch(() => {})
    if (this.#end !== undefined) return
    this.#session.close(reason, text, performance.now())
    this.#outlet.flush()
    this.#arm()
    if (this.#session.closeReceived) this.#finish({})
  }

  /** @internal No further message is sent here: a newer session of this peer takes them. */
  stopSending(): void {
    this.#senderStopped = true
    this.#sender.stop()
  }

  #senderStopped = false

  #begin(): void {
    const { maySend, mayReceive, peerJournal, position, announced, peerOutbox, identity } = this.#established
    const { journal, policy, maxItem = 2 ** 53 } = this.#options
    const ownKeys = ownKeysOf(this.#options)
    const run = async (): Promise<void> => {
      await this.#surroundings.takeOver(this)
      this.#first.resolve()
      if (maySend) this.#run(this.#send({ journal: peerJournal, position }))
      if (!mayReceive || journal === undefined) return
      const receiver = await Receiver.open({
        parts: this.#parts,
        place: placeOf(this.peer, ownKeys, peerOutbox),
        peer: this.peer,
        identity,
        ownKeys,
        journal,
        announced,
        maxItem,
        ...(policy && { policy }),
        now: Date.now,
        respond: (receipt) => {
          this.#session.sendReceipt(receipt, performance.now())
          this.#outlet.soon()
        },
        deliver: (messages) => this.#messages.push(messages),
      })
      await receiver.run()
    }
    this.#receiving = run()
    this.#run(this.#receiving)
  }

  async #send(there: { readonly journal: Uint8Array; readonly position: Established['position'] }): Promise<void> {
    await this.#outbox.begin(this.peer, there)
    await this.#sender.run()
  }

  /** Lets work go on by itself; its failure ends the session. */
  #run(work: Promise<void>): void {
    work.catch((error: unknown) => this.#fail(error))
  }

  #chunk(chunk: Uint8Array): void {
    const confirmed = this.#session.confirmed
    try {
      for (const event of this.#session.receive(chunk, performance.now())) this.#event(event)
    } catch (error) {
      this.#fail(error)
    }
    if (!confirmed && this.#session.confirmed && this.#end === undefined) this.#begin()
    this.#outlet.flush()
    if (this.#parts.buffered > MOST_UNREAD || this.#messages.full || this.#outlet.full) this.#hold()
  }

  /** Reads no further until what has come is dealt with. */
  #hold(): void {
    if (this.#paused) return
    this.#paused = true
    this.#wire.pause()
    const resume = async (): Promise<void> => {
      await this.#parts.room(MOST_UNREAD / 2)
      await this.#messages.room()
      await this.#outlet.room()
      this.#paused = false
      this.#wire.resume()
    }
    this.#run(resume())
  }

  #event(event: SessionEvent): void {
    switch (event.type) {
      case 'part':
        return this.#parts.push(event.pieces, event.end)
      case 'receipt':
        return this.#run(this.#sender.receipt(event.receipt))
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
    this.#sender.stop()
    this.#parts.finish()
    await this.#receiving.catch(() => {})
    await this.#sender.settled
    if (this.#end !== undefined) return
    this.#session.close(REASON.done, '', performance.now())
    this.#outlet.flush()
    this.#finish({ reason, ...(error && { error }) })
  }

  #streamEnded(cause: Error | undefined): void {
    if (this.#end !== undefined) return
    this.#fail(new NetworkError('TRUNCATED', undefined, { cause }))
  }

  /** Ends the session by a fault: without a word where what came was not authentic, else with CLOSE. */
  #fail(cause: unknown): void {
    if (this.#end !== undefined || this.#failing) return
    this.#failing = true
    const error = cause instanceof CountersignError ? cause : new LocalError('INTERNAL', undefined, { cause })
    const reason = reasonOf(error)
    const finish = async (): Promise<void> => {
      if (reason !== undefined) await this.#sayClose(reason, error.fault === 'peer' ? error.message : '')
      this.#finish({ error })
    }
    void finish()
  }

  #failing = false

  #finish(end: SessionEnd): void {
    if (this.#end !== undefined) return
    this.#end = end
    clearTimeout(this.#timer)
    this.#sender.stop()
    this.#parts.finish()
    this.#outlet.finish()
    const error = this.#endError()
    this.#outbox.end(this.peer, error)
    this.#first.reject(error)
    this.#first.promise.catch(() => {})
    this.#session.erase()
    this.#wire.end()
    const over = async (): Promise<void> => {
      await this.#receiving.catch(() => {})
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
