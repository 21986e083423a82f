/** Accepting clients over TCP. */
import {
  createServer,
  type AddressInfo,
  type ListenOptions as NetListenOptions,
  type Server as NetServer,
  type Socket,
} from 'node:net'
import { placeName } from '../delivery/journal.ts'
import { Memory } from '../delivery/memory.ts'
import { CountersignError, LocalError, NetworkError } from '../errors.ts'
import { Heard } from '../handshake/heard.ts'
import type { Peer } from '../handshake/step.ts'
import { REASON } from '../wire/records.ts'
import { Admission, type AdmissionOptions } from './admission.ts'
import { ownKeysOf, peerName, placeOf } from './options.ts'
import type { SecureSession } from './secure-session.ts'
import { type Company, HANDSHAKE_WITHIN, secureServerAmong, type ServerOptions } from './secure.ts'

/**
 * Options are read anew for each connection: with getters for `identity` and `formerKeys`, a server takes a new key of its
 * own while it runs.
 */
export interface ListenOptions extends ServerOptions, AdmissionOptions {
  readonly port?: number
  /** Where to listen; every address of this machine where it is not said. */
  readonly host?: string
  /** Another way to listen, as node:net takes it: a path, or a descriptor that was passed on. */
  readonly on?: NetListenOptions | { readonly fd: number }
  /** Told of each connection that came to nothing, with the address it came from. */
  readonly onReject?: (error: CountersignError, address: string) => void
  /** Told of each connection that was closed because too many handshakes are open: to make room, or at once. */
  readonly onOverload?: (address: string) => void
  /**
   * Bytes of envelopes that all sessions together hold in memory, on their way in or waiting to be stored; 256 MiB where it
   * is not said. Past it no more is read, and a session that holds much of what it never finishes is ended with CLOSE 6.
   */
  readonly mostHeld?: number
  /** Whether a trusted peer is let in now; where it is not, it is told to try later. */
  readonly admits?: (peer: Peer) => boolean
}

/** A server that is listening: iterate over it for its sessions. */
export class Server implements AsyncIterable<SecureSession>, AsyncDisposable {
  readonly #net: NetServer
  readonly #options: ListenOptions
  readonly #admission: Admission
  readonly #sessions = new Set<SecureSession>()
  readonly #handshakes = new Set<Socket>()
  /** Who holds each place, and where each peer receives. */
  readonly #places = new Map<string, SecureSession>()
  readonly #receiving = new Map<string, SecureSession>()
  readonly #heard = new Heard()
  #waiting: SecureSession[] = []
  #wake: (() => void) | undefined
  #closing = false

  /** What each session asks about the others. */
  readonly #company: Company

  /** @internal For `listen` alone. */
  constructor(net: NetServer, options: ListenOptions) {
    this.#net = net
    this.#options = options
    this.#admission = new Admission(options)
    this.#company = {
      takeOver: (session) => this.#takeOver(session),
      admits: (peer) => !this.#closing && (this.#options.admits?.(peer) ?? true),
      memory: new Memory(options.mostHeld),
    }
    net.on('connection', (socket) => void this.#accept(socket))
  }

  /** Where it listens. */
  get address(): AddressInfo | string | null {
    return this.#net.address()
  }

  /** The port that it listens on. */
  get port(): number {
    return (this.#net.address() as AddressInfo).port
  }

  /** The sessions that are open now. */
  get sessions(): ReadonlySet<SecureSession> {
    return this.#sessions
  }

  /** Each session as it begins, until the server is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<SecureSession, void, undefined> {
    for (;;) {
      yield* this.#waiting.splice(0)
      if (this.#waiting.length > 0) continue
      if (this.#closing) return
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Stops accepting; gives every session the receipts that it is owed, CLOSE "going away", and time to end. */
  async close(): Promise<void> {
    this.#closing = true
    this.#wake?.()
    const closed = new Promise<void>((resolve) => this.#net.close(() => resolve()))
    for (const socket of this.#handshakes) socket.destroy()
    for (const session of this.#sessions) void session.abandon(REASON.goingAway)
    await Promise.all([...this.#sessions].map((session) => session.closed))
    await closed
  }

  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #accept(socket: Socket): Promise<void> {
    const address = socket.remoteAddress ?? ''
    socket.on('error', ignore)
    if (this.#closing) return void socket.destroy()
    const turnAway = (): void => {
      socket.destroy()
      this.#options.onOverload?.(address)
    }
    const visit = this.#admission.enter(address, turnAway)
    if (visit === undefined) return turnAway()
    this.#handshakes.add(socket)
    socket.setNoDelay(true)
    try {
      const acceptedAt = performance.now()
      const silence = await firstWord(socket, this.#options.handshakeWithin ?? HANDSHAKE_WITHIN)
      // It may have made room for another.
      if (!visit.open) return
      if (silence !== undefined) throw new NetworkError(silence)
      // A recording that nobody has to give way to is answered, as the protocol says; in a crowd it is a stranger's.
      const heard = (gate: Uint8Array): boolean => this.#heard.again(gate) && this.#admission.crowded(address)
      const company = { ...this.#company, acceptedAt, gateHeld: visit.known, heard }
      this.#add(await secureServerAmong(company, socket, this.#options))
    } catch (cause) {
      if (!visit.open) return
      const error = cause instanceof CountersignError ? cause : new LocalError('INTERNAL', undefined, { cause })
      this.#options.onReject?.(error, address)
    } finally {
      this.#handshakes.delete(socket)
      visit.leave()
    }
  }

  #add(session: SecureSession): void {
    this.#waiting.push(session)
    this.#wake?.()
  }

  /** The newest session of a place has it; of those in which a client receives, the newest is sent to. */
  async #takeOver(session: SecureSession): Promise<void> {
    const place = placeName(placeOf(session.peer, ownKeysOf(this.#options), session.peerOutbox))
    const receiver = session.sends ? peerName(session.peer) : undefined
    const older = this.#places.get(place)
    this.#places.set(place, session)
    if (receiver !== undefined) {
      this.#receiving.get(receiver)?.stopSending()
      this.#receiving.set(receiver, session)
    }
    this.#sessions.add(session)
    void session.closed.then(() => {
      this.#sessions.delete(session)
      if (this.#places.get(place) === session) this.#places.delete(place)
      if (receiver !== undefined && this.#receiving.get(receiver) === session) this.#receiving.delete(receiver)
    })
    await older?.abandon(REASON.superseded)
  }
}

/** What goes wrong with a socket is told by its end. */
function ignore(): void {}

/**
 * Waits until something has come, for so many ms: of those who say nothing there may be very many, and a handshake costs
 * more than they are worth. Answers with what came instead, where nothing did.
 */
async function firstWord(socket: Socket, ms: number): Promise<'TRUNCATED' | 'NO_ANSWER' | undefined> {
  const { promise, resolve } = Promise.withResolvers<'TRUNCATED' | 'NO_ANSWER' | undefined>()
  const timer = setTimeout(() => {
    resolve('NO_ANSWER')
    socket.end().destroySoon()
  }, ms)
  const spoke = (): void => resolve(undefined)
  const gone = (): void => resolve('TRUNCATED')
  socket.once('readable', spoke).once('close', gone)
  const instead = await promise
  clearTimeout(timer)
  socket.off('readable', spoke).off('close', gone)
  return instead
}

/**
 * Listens for clients.
 *
 * @throws Error of node:net where the port cannot be had
 */
export async function listen(options: ListenOptions): Promise<Server> {
  const net = createServer({ allowHalfOpen: true, pauseOnConnect: false })
  const server = new Server(net, options)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  net.once('error', reject)
  const { port = 0, host } = options
  net.listen(options.on ?? { port, ...(host !== undefined && { host }) }, resolve)
  await promise
  net.off('error', reject)
  net.on('error', () => {})
  return server
}
