/** Dialling a server over TCP. */
import { createConnection, type Socket } from 'node:net'
import { LocalError, NetworkError } from '../errors.ts'
import type { SecureSession } from './secure-session.ts'
import { type ClientOptions, HANDSHAKE_WITHIN, secureClient } from './secure.ts'

/** Which server to connect to, as whom, and what to do with what it sends. */
export interface ConnectOptions extends ClientOptions {
  readonly port: number
  /** A name or address; localhost where it is not said. */
  readonly host?: string
}

/**
 * Connects to a server; resolves only once it has proved the pinned key, and has accepted this side.
 *
 * @throws NetworkError CONNECT, NO_ANSWER, TRUNCATED; LocalError ABORTED; PeerError WRONG_PEER, NOT_AUTHENTIC, FRAME,
 *   ENCODING, UNTRUSTED, REVOKED, BUSY, REFUSED, OWN_KEY
 */
export async function connect(options: ConnectOptions): Promise<SecureSession> {
  return secureClient(await dial(options), options)
}

async function dial({ host = 'localhost', port, signal, handshakeWithin = HANDSHAKE_WITHIN }: ConnectOptions): Promise<Socket> {
  if (signal?.aborted) throw new LocalError('ABORTED', undefined, { cause: signal.reason })
  const socket = createConnection({ host, port, noDelay: true })
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const timer = setTimeout(() => reject(new NetworkError('CONNECT', `${host} port ${port}: timed out`)), handshakeWithin)
  const aborted = (): void => reject(new LocalError('ABORTED', undefined, { cause: signal?.reason }))
  signal?.addEventListener('abort', aborted, { once: true })
  socket.once('connect', () => resolve(socket))
  socket.on('error', (cause) => reject(new NetworkError('CONNECT', `${host} port ${port}: ${cause.message}`, { cause })))
  try {
    return await promise
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', aborted)
  }
}
