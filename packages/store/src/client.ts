/** A client that stays: it reconnects by itself, and sends what its outbox holds until each message has its receipt. */
import {
  connect as dial,
  type ConnectOptions,
  CountersignError,
  type ErrorCode,
  type Identity,
  isError,
  LocalError,
  type Message,
  type MessageBody,
  type MessageOptions,
  type Peer,
  REASON,
  type SecureSession,
  type SessionEnd,
} from '@countersign/core'
import { Backoff, type BackoffOptions } from './backoff.ts'
import type { Queued } from './enqueuer.ts'
import type { StoredOutbox } from './outbox.ts'
import type { StreamedBody } from './spooled-body.ts'
import { waitFor } from './wait.ts'

/** What core's `connect` takes, with an outbox on disk, and when to try again. */
export interface DurableOptions extends Omit<ConnectOptions, 'identity' | 'outbox' | 'signal'> {
  /** Where what is sent waits for its receipt. A client without one only receives, and is told its identity. */
  readonly outbox?: StoredOutbox
  /** Newest first: where the server does not trust one, the one before is tried. The outbox's where it is not said. */
  readonly identity?: Identity | readonly Identity[]
  readonly backoff?: BackoffOptions
  /** Whether to go on after a session ended so; `retriable` where it is not said. */
  readonly retries?: (end: SessionEnd) => boolean
  /** Told of each change of what the client is doing. */
  readonly onState?: (state: ConnectionState) => void
}

/** What a client that stays is doing. */
export type ConnectionState =
  | { readonly state: 'connecting' }
  | { readonly state: 'connected'; readonly session: SecureSession }
  /** It waits, in ms, before it tries again; `said` is what the peer's CLOSE said. */
  | { readonly state: 'waiting'; readonly ms: number; readonly error: CountersignError | undefined; readonly said?: string }
  /** It has given up, or was closed. */
  | { readonly state: 'closed'; readonly error: CountersignError | undefined }

/** The network, a busy or restarting server, a full disk: what passes by itself. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'BUSY',
  'CONNECT',
  'FRAME',
  'GAP',
  'IDLE',
  'NOT_AUTHENTIC',
  'NO_ANSWER',
  'OUTBOX_BEHIND',
  'PEER_STORAGE',
  'PLACE_MOVED',
  'SERVER_REGRESSED',
  'TRUNCATED',
] satisfies ErrorCode[])

/** Errors after which the next session has a fresh outbox id: there is nothing to wait for. */
const FRESH_ID: readonly ErrorCode[] = ['OUTBOX_BEHIND', 'SERVER_REGRESSED', 'PLACE_MOVED']

/**
 * Whether it makes sense to try again by itself. It does not where a newer session has taken over, where the peer does
 * not trust this side, nor where what it sent does not verify: that needs an operator.
 */
export function retriable({ error, reason }: SessionEnd): boolean {
  if (error === undefined) return true
  if (error.code === 'CLOSED_BY_PEER') return reason === REASON.internal
  return PASSING.has(error.code)
}

/**
 * Connects, and stays connected. Returns at once: what is sent before there is a connection waits in the outbox.
 *
 * Where a journal is given, iterate over the client for the messages that come: while nobody does, nothing is received.
 */
export function connect(options: DurableOptions): DurableClient {
  return new DurableClient(options)
}

/** A connection that is kept up, and an outbox that is emptied over it. Disposed of, it is closed. */
export class DurableClient implements AsyncIterable<Message>, AsyncDisposable {
  readonly peer: Peer
  /** Resolves when it has given up, with the reason, or was closed; never rejects. */
  readonly closed: Promise<SessionEnd>
  readonly #options: DurableOptions
  readonly #closing = new AbortController()
  #session: SecureSession | undefined
  #change = Promise.withResolvers<void>()
  #end: SessionEnd | undefined

  /** @internal For `connect` alone. */
  constructor(options: DurableOptions) {
    this.#options = options
    this.peer = 'keys' in options.peer ? options.peer : { keys: [options.peer] }
    this.closed = this.#stay()
  }

  /** The session that is open now. */
  get session(): SecureSession | undefined {
    return this.#session
  }

  /**
   * Queues a message; resolves once that is durable, whether there is a connection or not.
   *
   * @throws LocalError MESSAGE_FORM, STORAGE, OPTION where there is no outbox
   */
  send(body: MessageBody | StreamedBody, options?: MessageOptions): Promise<Queued> {
    const { outbox } = this.#options
    if (outbox === undefined) return Promise.reject(new LocalError('OPTION', 'a client without an outbox sends nothing'))
    return outbox.enqueue(this.peer, body, options)
  }

  /**
   * Resolves when all that is queued for this peer has its receipt.
   *
   * @throws CountersignError where the client has given up before, or was closed
   */
  async drained(): Promise<void> {
    const over = this.closed.then(({ error }) => error ?? new LocalError('SESSION_ENDED'))
    const stop = new AbortController()
    const error = await Promise.race([this.#options.outbox?.drained(this.peer, stop.signal), over])
    stop.abort()
    if (error !== undefined) throw error
  }

  /** The messages that the peer sends, over all sessions. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    for (let last: SecureSession | undefined; this.#end === undefined;) {
      const session = this.#session
      if (session === undefined || session === last) {
        await this.#change.promise
        continue
      }
      last = session
      try {
        yield* session
      } catch {
        // How sessions end is told by `onState`; what comes, comes in the next.
      }
    }
  }

  /**
   * Ends it. While there is a connection, waits for the receipts of what is queued; what has none stays in the outbox.
   *
   * @param wait false to leave at once
   */
  async close(wait = true): Promise<void> {
    const session = this.#session
    if (wait && session !== undefined) {
      const stop = new AbortController()
      await Promise.race([this.#options.outbox?.drained(this.peer, stop.signal).catch(() => {}), session.closed])
      stop.abort()
    }
    this.#closing.abort()
    await this.#session?.abandon(REASON.done)
    await this.closed
  }

  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #stay(): Promise<SessionEnd> {
    const { retries = retriable, backoff: waits } = this.#options
    const backoff = new Backoff(waits)
    const { signal } = this.#closing
    for (;;) {
      const began = performance.now()
      const end = await this.#once()
      if (signal.aborted) return this.#over({})
      if (!retries(end)) return this.#over(end)
      if (end.error !== undefined && FRESH_ID.includes(end.error.code)) backoff.reset()
      backoff.lasted(performance.now() - began)
      const ms = backoff.next()
      this.#tell({ state: 'waiting', ms, error: end.error, ...(end.text !== undefined && { said: end.text }) })
      await waitFor(new Promise(() => {}), ms, signal)
      if (signal.aborted) return this.#over({})
    }
  }

  #over(end: SessionEnd): SessionEnd {
    this.#end = end
    this.#tell({ state: 'closed', error: end.error })
    return end
  }

  #tell(state: ConnectionState): void {
    this.#session = state.state === 'connected' ? state.session : undefined
    this.#change.resolve()
    this.#change = Promise.withResolvers()
    this.#options.onState?.(state)
  }

  /** One session, from dialling to its end. */
  async #once(): Promise<SessionEnd> {
    this.#tell({ state: 'connecting' })
    try {
      const session = await this.#dial()
      this.#tell({ state: 'connected', session })
      if (this.#closing.signal.aborted) void session.abandon(REASON.done)
      return await session.closed
    } catch (cause) {
      return { error: cause instanceof CountersignError ? cause : new LocalError('INTERNAL', undefined, { cause }) }
    }
  }

  async #dial(): Promise<SecureSession> {
    const { outbox, identity = outbox?.identity, ...options } = this.#options
    if (identity === undefined) throw new LocalError('OPTION', 'neither an outbox nor an identity was given')
    const { signal } = this.#closing
    const identities = 'sign' in identity ? [identity] : identity
    let untrusted: unknown
    for (const at of identities.keys()) {
      try {
        return await dial({ ...options, ...(outbox && { outbox }), identity: identities.slice(at), signal })
      } catch (error) {
        if (!isError(error, 'UNTRUSTED')) throw error
        untrusted ??= error
      }
    }
    throw untrusted
  }
}
