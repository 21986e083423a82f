/** The way to a server: through a session alone, or through the outbox and as many sessions as it takes. */
import {
  connect,
  type ConnectOptions,
  type Identity,
  isError,
  type MessageBody,
  PeerError,
  type SecureSession,
  type TraceEvent,
} from '@countersign/core'
import { DEFAULT_PORT, type Home, type TrustedPeer } from '@countersign/keyexchange'
import { CliError, environmentKeyLog, type Output, parseAddress } from '@countersign/keyexchange/cli'
import type { Way } from '@countersign/mailbox'
import { buffer } from 'node:stream/consumers'

export interface WayOptions {
  readonly host?: string
  readonly port?: number
  /** Seconds */
  readonly timeout: number
}

/** Who sends, to whom, and who watches. */
export interface Journey {
  readonly home: Home
  readonly peer: TrustedPeer
  readonly output: Output
  readonly interrupted: AbortSignal
  trace(event: TraceEvent): void
  /** Told of each session that begins */
  begin?(session: SecureSession): void
}

/** Where a server is: as the options say, else as the file of its key says. @throws CliError USAGE */
export function serverAddress({ name, about }: TrustedPeer, { host, port }: WayOptions): { host: string; port: number } {
  if (host !== undefined) return { host, port: port ?? DEFAULT_PORT }
  if (about.address === undefined) {
    const hint = `say it with --host, or for good in a line "address: HOST:PORT" above the key in peers/${name}.pem`
    throw new CliError('USAGE', `it is not known where ${name} is; nothing was sent`, hint)
  }
  const known = parseAddress(about.address)
  return { host: known.host, port: port ?? known.port }
}

export type SessionOptions = Omit<ConnectOptions, 'identity' | 'outbox' | 'signal'> & {
  readonly identity: readonly [Identity, ...Identity[]]
}

/** What opens a session needs to know, whoever opens it. */
export async function sessionOptions({ home, peer, trace }: Journey, options: WayOptions): Promise<SessionOptions> {
  const address = serverAddress(peer, options)
  const identity = await home.identities()
  const formerKeys = home.keys.slice(0, -identity.length)
  const keyLog = environmentKeyLog()
  return { ...address, peer, trace, identity, formerKeys, handshakeWithin: options.timeout * 1000, ...(keyLog && { keyLog }) }
}

/** One session, and nothing kept. @throws what core's `connect` throws */
export async function openSession(journey: Journey, options: WayOptions): Promise<Way> {
  const { peer, interrupted: signal } = journey
  const session = await dial({ ...(await sessionOptions(journey, options)), signal }, journey)
  const over = new AbortController()
  void session.closed.then(({ error }) => over.abort(error ?? stopped()))
  return {
    peer,
    over: over.signal,
    keeps: false,
    send: async (body, options) => session.send(await whole(body), options),
    [Symbol.asyncDispose]: () => session.close(),
  }
}

/** As this side's present identity; where the server does not trust that yet, during a rotation, as the one before. */
export async function dial(
  options: SessionOptions & Pick<ConnectOptions, 'signal'>,
  { peer, output }: Journey,
): Promise<SecureSession> {
  const earlier = options.identity.slice(1)
  try {
    return await connect(options)
  } catch (error) {
    if (earlier.length === 0 || !isError(error, 'UNTRUSTED')) throw error
    output.note(`${peer.name} does not trust the new key yet: going on as the one before`)
    return connect({ ...options, identity: earlier })
  }
}

/** What it means that a server has ended the session in good order while there was something to send. */
export function stopped(): Error {
  return new PeerError('CLOSED_BY_PEER', 'it has stopped')
}

async function whole(body: MessageBody | AsyncIterable<Uint8Array>): Promise<MessageBody> {
  if (typeof body === 'string' || body instanceof Uint8Array || body instanceof Blob) return body
  return buffer(body)
}
