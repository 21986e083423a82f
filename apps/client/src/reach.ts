/** Finding the server, and opening a session with it. */
import { connect, type Identity, isError, type SecureSession, type TraceEvent } from '@countersign/core'
import { DEFAULT_PORT, type Home, type TrustedPeer } from '@countersign/keyexchange'
import { CliError, type Output, parseAddress } from '@countersign/keyexchange/cli'

export interface ReachOptions {
  readonly host?: string
  readonly port?: number
  /** Seconds */
  readonly timeout: number
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** Where a server is: as the options say, else as the file of its key says. @throws CliError USAGE */
export function serverAddress({ name, about }: TrustedPeer, { host, port }: ReachOptions): Address {
  if (host !== undefined) return { host, port: port ?? DEFAULT_PORT }
  if (about.address === undefined) {
    const hint = `say it with --host, or for good in a line "address: HOST:PORT" above the key in peers/${name}.pem`
    throw new CliError('USAGE', `it is not known where ${name} is; nothing was sent`, hint)
  }
  const known = parseAddress(about.address)
  return { host: known.host, port: port ?? known.port }
}

/**
 * Opens a session as this side's present identity; where the server does not trust that yet, during a rotation, as the one before.
 *
 * @throws whatever core's `connect` throws
 */
export async function reach(
  home: Home,
  peer: TrustedPeer,
  options: ReachOptions,
  output: Output,
  trace: (event: TraceEvent) => void,
  signal: AbortSignal,
): Promise<SecureSession> {
  const address = serverAddress(peer, options)
  const [present, previous] = await home.identities()
  const as = (identity: Identity): Promise<SecureSession> => {
    const formerKeys = home.keys.slice(0, home.keys.indexOf(identity.publicKey))
    return connect({ ...address, peer, identity, formerKeys, handshakeWithin: options.timeout * 1000, trace, signal })
  }
  try {
    return await as(present)
  } catch (error) {
    if (previous === undefined || !isError(error, 'UNTRUSTED')) throw error
    output.note(`${peer.name} does not trust the new key yet: going on as the one before`)
    return await as(previous)
  }
}
