/** Securing a byte stream: handshake, then session, by either side. */
import type { Duplex } from 'node:stream'
import { random } from '../crypto/hash.ts'
import type { PublicKey } from '../crypto/keys.ts'
import { type Journal, NO_POSITION } from '../delivery/journal.ts'
import { Memory } from '../delivery/memory.ts'
import { MemoryOutbox } from '../delivery/memory-outbox.ts'
import type { Outbox } from '../delivery/outbox.ts'
import { CountersignError, LocalError, NetworkError, PeerError } from '../errors.ts'
import { clientHandshake } from '../handshake/client.ts'
import type { Established } from '../handshake/peer.ts'
import type { Location, Peer, Steps } from '../handshake/step.ts'
import { serverHandshake } from '../handshake/server.ts'
import { driveHandshake, type Knowledge, wantsSilence } from './handshake.ts'
import { keyLogger } from './key-log.ts'
import { type CommonOptions, identitiesOf, lookUp, ownKeysOf, type Peers, peerOf, type PinnedPeer, placeOf } from './options.ts'
import { SecureSession, type SessionSurroundings } from './secure-session.ts'
import { Wire } from './wire.ts'

export const HANDSHAKE_WITHIN = 10_000

/** What the client's side of a session needs to know. */
export interface ClientOptions extends CommonOptions {
  /** The server: the one key, or chain, that is trusted to answer. */
  readonly peer: PinnedPeer
  /** Cancels dialling and handshake; not the session. */
  readonly signal?: AbortSignal
}

/** What the server's side of a session needs to know. */
export interface ServerOptions extends CommonOptions {
  /** Where what is received is kept: `memoryJournal()`, or a durable one. Mandatory to name. */
  readonly journal: Journal
  /** Whom this side trusts. */
  readonly peers: Peers
  readonly signal?: AbortSignal
}

/** Other sessions of the same server, which a new one may supersede. */
export interface Company {
  readonly takeOver: (session: SecureSession) => Promise<void>
  /** What to answer a peer that is trusted and verified: false is "busy". */
  admits(peer: Peer): boolean
  /** What the sessions may hold in memory together; this one its own, where it is not said. */
  readonly memory?: Memory
  /** Whether a gate that holds is of a HELLO that was recorded, and is to be met like a stranger's. */
  heard?(gate: Uint8Array): boolean
  /** When the connection was accepted, by the clock of `performance.now`; now, where it is not said. */
  readonly acceptedAt?: number
  /** The gate has held: whoever dials holds this side's public key. */
  gateHeld?(): void
}

const alone: Company = { takeOver: () => Promise.resolve(), admits: () => true }

/**
 * Runs the client's side over a stream; resolves once the server is proven. Without a journal it takes no messages.
 *
 * @throws as `connect` does, but for CONNECT
 */
export async function secureClient(stream: Duplex, options: ClientOptions): Promise<SecureSession> {
  const deadline = performance.now() + (options.handshakeWithin ?? HANDSHAKE_WITHIN)
  const identity = identitiesOf(options)[0]!
  const peer = peerOf(options.peer)
  const wire = new Wire(stream)
  const announced = await announcedOf(options.outbox ?? new MemoryOutbox(identity, Date.now), peer)
  const handshake = clientHandshake({
    ...handshakeOptions(options, announced.outboxId),
    identity,
    peer,
    receives: options.journal !== undefined,
  })
  const established = await run(wire, handshake, deadline, options, { trust: () => undefined, locate: locator(options, alone) })
  return new SecureSession(wire, established, options, {
    ...announced,
    memory: new Memory(),
    takeOver: alone.takeOver,
  })
}

/**
 * Runs the server's side over a stream; resolves once the client's first record has opened.
 *
 * @throws NetworkError NO_ANSWER, TRUNCATED; LocalError ABORTED; PeerError HELLO_REJECTED, FRAME, ENCODING, NOT_AUTHENTIC,
 *   UNTRUSTED, REVOKED, BUSY, OWN_KEY
 */
export function secureServer(stream: Duplex, options: ServerOptions): Promise<SecureSession> {
  return secureServerAmong(alone, stream, options)
}

/** The same, beside other sessions. */
export async function secureServerAmong(company: Company, stream: Duplex, options: ServerOptions): Promise<SecureSession> {
  const identities = identitiesOf(options)
  const { handshakeWithin = HANDSHAKE_WITHIN } = options
  const deadline = (company.acceptedAt ?? performance.now()) + handshakeWithin
  const wire = new Wire(stream)
  const announced = await announcedOf(options.outbox ?? new MemoryOutbox(identities[0]!, Date.now))
  const heard = (gate: Uint8Array): boolean => company.heard?.(gate) ?? false
  const handshake = serverHandshake({ ...handshakeOptions(options, announced.outboxId), identities, heard })
  const established = await run(wire, handshake, deadline, options, {
    trust: lookUp(options.peers),
    locate: locator(options, company),
    // Nothing is sent before the gate has held.
    sends: () => company.gateHeld?.(),
  })
  const session = new SecureSession(wire, established, options, {
    ...announced,
    memory: company.memory ?? new Memory(),
    // Itself alone: the rest of the company is for as long as the handshake.
    takeOver: whileTrusted(company.takeOver, options.peers),
  })
  await within(session.confirmed, deadline - performance.now(), options.signal, () => wire.end())
  return session
}

/**
 * Looks the client up once more: it may have stayed silent after it was answered, and its trust been taken back meanwhile.
 * Before it takes over, as who is not trusted any more takes nobody's place; and behind that, when it is among the sessions
 * of its server, where whoever takes trust back looks for them. Nothing of it is stored before.
 *
 * @throws PeerError REVOKED, UNTRUSTED
 */
function whileTrusted(takeOver: Company['takeOver'], peers: Peers): Company['takeOver'] {
  return async (session) => {
    await requireTrust(peers, session.peer.key)
    await takeOver(session)
    await requireTrust(peers, session.peer.key)
  }
}

async function requireTrust(peers: Peers, { id }: PublicKey): Promise<void> {
  const known = await lookUp(peers)(id)
  if (known === undefined) throw new PeerError('UNTRUSTED')
  if ('revoked' in known) throw new PeerError('REVOKED')
}

/** What a handshake announces of an outbox, and how far that had come before. */
async function announcedOf(outbox: Outbox, to?: Peer): Promise<Pick<SessionSurroundings, 'outbox' | 'outboxId' | 'mark'>> {
  const [outboxId, mark] = await Promise.all([outbox.idFor(to), outbox.mark?.()])
  return { outbox, outboxId, ...(mark !== undefined && { mark }) }
}

function handshakeOptions({ maxItem = 2 ** 53, entropy, observe, keyLog }: CommonOptions, outbox: Uint8Array) {
  const seen = keyLog === undefined ? observe : keyLogger(keyLog, observe)
  return { outbox, maxItem, ...(entropy && { entropy }), ...(seen && { observe: seen }) }
}

function locator(options: CommonOptions, company: Company): (peer: Peer, outbox: Uint8Array) => Promise<Location> {
  const { journal } = options
  const ownKeys = ownKeysOf(options)
  return async (peer, outbox) => {
    if (!company.admits(peer)) return undefined
    if (journal === undefined) return { journal: random(16), position: NO_POSITION }
    const { position } = await journal.head(placeOf(peer, ownKeys, outbox))
    return { journal: journal.id, position }
  }
}

async function run(
  wire: Wire,
  steps: Steps<Established>,
  deadline: number,
  options: ClientOptions | ServerOptions,
  knowledge: Knowledge,
): Promise<Established> {
  const { signal, trace = () => {} } = options
  const left = (): number => deadline - performance.now()
  try {
    return await within(driveHandshake(wire, steps, knowledge, trace), left(), signal, () => {})
  } catch (error) {
    if (wantsSilence(error)) {
      // Not a byte, and no sign by the time either: the stranger is read until the deadline.
      wire.drop()
      await within(wire.gone(), left(), signal, () => {}).catch(() => {})
    }
    wire.end()
    throw error
  }
}

/** The result, or NO_ANSWER after so many ms, or ABORTED; `giveUp` then ends what is under way. */
async function within<T>(work: Promise<T>, ms: number, signal: AbortSignal | undefined, giveUp: () => void): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const fail = (error: CountersignError): void => {
    giveUp()
    reject(error)
  }
  const timer = setTimeout(() => fail(new NetworkError('NO_ANSWER')), Math.max(0, ms))
  const aborted = (): void => fail(new LocalError('ABORTED', undefined, { cause: signal?.reason }))
  signal?.addEventListener('abort', aborted, { once: true })
  try {
    signal?.throwIfAborted()
    return await Promise.race([work, promise])
  } catch (error) {
    throw signal?.aborted && !(error instanceof CountersignError) ? new LocalError('ABORTED', undefined, { cause: error }) : error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', aborted)
    work.catch(() => {})
  }
}
