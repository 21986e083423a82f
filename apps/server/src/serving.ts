/** Serving clients: who is let in, who has to go, and when it ends. */
import {
  type Identity,
  type Journal,
  listen,
  type Outbox,
  type Policy,
  type PublicKey,
  REASON,
  type SecureSession,
  type Server,
} from '@countersign/core'
import type { Home } from '@countersign/keyexchange'
import { describeFailure, environmentKeyLog, formatAddress, narrator, type Output, printable } from '@countersign/keyexchange/cli'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

export interface ServingOptions {
  readonly host?: string
  readonly port: number
  /** Seconds */
  readonly timeout: number
  readonly trace?: boolean
}

export interface Serving {
  readonly home: Home
  readonly options: ServingOptions
  readonly output: Output
  readonly journal: Journal
  readonly policy?: Policy | undefined
  /** What clients are sent; where there is none, nothing is */
  readonly outbox?: Outbox
  /** Takes the messages of one session, until it is over. */
  take(session: SecureSession): Promise<void>
  /** Work beside it, which ends only by failing: then serving ends too. */
  readonly beside: readonly Promise<unknown>[]
}

/**
 * Serves every client that the home trusts, and follows the home's changes.
 *
 * @param interrupted ends it: what is owed is given, and all that came is taken, before this resolves
 */
export async function serveClients(serving: Serving, interrupted: AbortSignal): Promise<void> {
  const { home, output, beside } = serving
  const own = await OwnKeys.of(home)
  const server = await open(serving, own)
  const watching = home.watch(() => {
    warn(home, output)
    for (const session of server.sessions) endUntrusted(home, session)
    void own.renew(output)
  })
  announce(home, server, output)
  warn(home, output)
  const served = serveSessions(server, serving)
  try {
    await Promise.race([interrupted.aborted || once(interrupted, 'abort'), ...beside])
  } finally {
    await server.close()
    await served
    watching[Symbol.dispose]()
  }
}

/** The server's own keys, as its home has them now: a rotation changes them while it runs. */
class OwnKeys {
  readonly #home: Home
  identity: readonly Identity[]

  static async of(home: Home): Promise<OwnKeys> {
    return new OwnKeys(home, await home.identities())
  }

  private constructor(home: Home, identity: readonly Identity[]) {
    this.#home = home
    this.identity = identity
  }

  get formerKeys(): readonly PublicKey[] {
    return this.#home.keys.slice(0, -this.identity.length)
  }

  /** Takes the home's keys anew; where they cannot be unlocked, the server goes on as it was. */
  async renew(output: Output): Promise<void> {
    try {
      const before = this.identity
      this.identity = await this.#home.identities()
      const { fingerprint } = this.identity[0]!.publicKey
      if (before[0]!.publicKey.fingerprint !== fingerprint) output.note(`this server has a new key: ${fingerprint}`)
    } catch (error) {
      output.note(`this server goes on with the key it had: ${printable(describeFailure(error).message)}`)
    }
  }
}

function open({ home, options, output, journal, policy, outbox }: Serving, own: OwnKeys): Promise<Server> {
  const keyLog = environmentKeyLog()
  return listen({
    port: options.port,
    ...(options.host !== undefined && { host: options.host }),
    get identity() {
      return own.identity
    },
    get formerKeys() {
      return own.formerKeys
    },
    peers: (keyId) => home.trust(keyId),
    journal,
    ...(policy && { policy }),
    ...(outbox && { outbox }),
    ...(keyLog && { keyLog }),
    handshakeWithin: options.timeout * 1000,
    onReject: (error, from) => output.note(`turned away ${from}: ${printable(error.message)}`),
    ...(options.trace && { trace: narrator((line) => output.note(line)) }),
  })
}

function announce(home: Home, server: Server, output: Output): void {
  const { address, port } = server.address as AddressInfo
  const { fingerprint } = home.publicKey
  output.result({ event: 'listening', host: address, port, name: home.name, fingerprint }, [
    `listening on ${formatAddress(address, port)} as ${home.name}  ${fingerprint}`,
  ])
}

/** Says which files of the home were left out. */
function warn(home: Home, output: Output): void {
  for (const { error } of home.problems) output.note(`left out: ${printable(describeFailure(error).message)}`)
  if (home.peers.length === 0) output.note('this home trusts no peer: nobody can connect before `keys swap` was run')
}

/** Ends the session of a peer whose trust was taken back while it was connected. */
function endUntrusted(home: Home, session: SecureSession): void {
  const trust = home.trust(session.peer.key.id)
  if (trust === undefined) void session.abandon(REASON.goingAway)
  else if ('revoked' in trust) void session.abandon(REASON.revoked)
}

/** Serves every session at once; resolves when the server is closed and all that came is taken. */
async function serveSessions(server: Server, serving: Serving): Promise<void> {
  const open = new Set<Promise<void>>()
  for await (const session of server) {
    const taking = serveSession(session, serving).finally(() => open.delete(taking))
    open.add(taking)
  }
  await Promise.all(open)
}

async function serveSession(session: SecureSession, { output, take }: Serving): Promise<void> {
  const name = session.peer.name!
  output.note(`${name} is connected`)
  try {
    await take(session)
    output.note(`${name} has left`)
  } catch (error) {
    output.note(`${name}: the session ended: ${printable(describeFailure(error).message)}`)
  }
}
