/** Serving clients: who is let in, who has to go, and when it ends. */
import { type Journal, listen, type Outbox, type Policy, REASON, type SecureSession, type Server } from '@countersign/core'
import type { Home } from '@countersign/keyexchange'
import { describeFailure, environmentKeyLog, formatAddress, type Output, printable } from '@countersign/keyexchange/cli'
import { once } from 'node:events'
import { passedSocket } from './activation.ts'
import type { Log } from './log.ts'
import { Notices } from './notices.ts'
import { OwnKeys } from './own-keys.ts'
import { onHangUp, reload } from './reload.ts'
import type { Configuration } from './settings/configuration.ts'
import { OVERLOAD, TurnedAway } from './turned-away.ts'
import { Meter } from './watch/meter.ts'
import { letWatch } from './watch/start.ts'
import { type StoreView, View } from './watch/view.ts'

export interface Serving {
  readonly home: Home
  readonly configuration: Configuration
  readonly output: Output
  readonly log: Log
  readonly journal: Journal
  readonly policy: Policy
  /** What clients are sent; where there is none, nothing is */
  readonly outbox?: Outbox
  /** What can be seen of the journal, where it is on disk */
  readonly store?: StoreView
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
  const { home, log, output, beside } = serving
  const own = await OwnKeys.of(home)
  const meter = new Meter()
  using turnedAway = new TurnedAway(log)
  await using server = await open(serving, own, meter, turnedAway)
  const view = new View(server, meter, serving.store)
  using aids = new DisposableStack()
  aids.use(await letWatch(serving, view))
  const follow = (): void => {
    warn(home, log)
    for (const session of server.sessions) endUntrusted(home, session)
    void own.renew(log)
  }
  // It is followed once as the watch begins: who was let in before is looked at again, and what was left out is told.
  aids.use(home.watch(follow))
  const notices = new Notices(log)
  aids.use(onHangUp(() => void reload(serving, notices, follow)))
  const place = announce(home, server, output)
  void notices.ready(`listening on ${place}`)
  const served = serveSessions(server, serving, meter)
  try {
    await Promise.race([interrupted.aborted || once(interrupted, 'abort'), ...beside])
  } finally {
    view.stopping = true
    void notices.stopping()
    await server.close()
    await served
  }
}

function open(serving: Serving, own: OwnKeys, meter: Meter, turnedAway: TurnedAway): Promise<Server> {
  const { home, configuration, log, journal, policy, outbox } = serving
  const { host, port, mostHandshakes, mostHandshakesPerAddress } = configuration.settings
  const keyLog = environmentKeyLog()
  // What can change while it runs is asked anew for each connection.
  return listen({
    on: passedSocket() ?? { port, ...(host !== undefined && { host }) },
    get identity() {
      return own.identity
    },
    get formerKeys() {
      return own.formerKeys
    },
    peers: (keyId) => home.trust(keyId),
    journal: meter.metered(journal),
    policy,
    ...(outbox && { outbox }),
    ...(keyLog && { keyLog }),
    mostHandshakes,
    mostHandshakesPerAddress,
    admits: () => meter.sessions < configuration.settings.mostSessions,
    get handshakeWithin() {
      return configuration.settings.timeout * 1000
    },
    get limits() {
      const { pingAfter, idleAfter } = configuration.settings
      return { pingAfter: pingAfter * 1000, idleAfter: idleAfter * 1000 }
    },
    get maxItem() {
      return configuration.settings.maxMessage ?? 2 ** 53
    },
    get trace() {
      return log.trace
    },
    onReject(error, from) {
      meter.rejected(error)
      turnedAway.add(error, from)
    },
    onOverload(from) {
      meter.overloaded()
      turnedAway.add({ code: OVERLOAD, message: 'too many handshakes are open' }, from)
    },
  })
}

/** Says where it listens, and as whom. */
function announce(home: Home, { address }: Server, output: Output): string {
  const { fingerprint } = home.publicKey
  const [where, place] =
    typeof address === 'object' && address !== null
      ? [{ host: address.address, port: address.port }, formatAddress(address.address, address.port)]
      : [{ path: address }, String(address)]
  output.result({ event: 'listening', ...where, name: home.name, fingerprint }, [
    `listening on ${place} as ${home.name}  ${fingerprint}`,
  ])
  return place
}

/** Says which files of the home were left out. */
function warn(home: Home, log: Log): void {
  for (const { error } of home.problems) log.warn(`left out: ${printable(describeFailure(error).message)}`)
  if (home.peers.length === 0) log.warn('this home trusts no peer: nobody can connect before `keys swap` was run')
}

/** Ends the session of a peer whose trust was taken back while it was connected. */
function endUntrusted(home: Home, session: SecureSession): void {
  const trust = home.trust(session.peer.key.id)
  if (trust === undefined) void session.abandon(REASON.goingAway)
  else if ('revoked' in trust) void session.abandon(REASON.revoked)
}

/** Serves every session at once; resolves when the server is closed and all that came is taken. */
async function serveSessions(server: Server, serving: Serving, meter: Meter): Promise<void> {
  const open = new Set<Promise<void>>()
  for await (const session of server) {
    meter.accepted(session.closed)
    const taking = serveSession(session, serving).finally(() => open.delete(taking))
    open.add(taking)
  }
  await Promise.all(open)
}

async function serveSession(session: SecureSession, { log, take }: Serving): Promise<void> {
  const peer = session.peer.name!
  const fields = { peer, session: session.id }
  log.info(`${peer} is connected`, { event: 'connected', ...fields })
  try {
    await take(session)
    const { text } = await session.closed
    // Who leaves in good order says why only where an operator has to know it: as where one side was restored.
    if (text === undefined) log.info(`${peer} has left`, { event: 'left', ...fields })
    else log.warn(`${peer} has left, and says: ${printable(text)}`, { event: 'left', said: text, ...fields })
  } catch (error) {
    const { code, message } = describeFailure(error)
    log.info(`${peer}: the session ended: ${printable(message)}`, { event: 'ended', code, ...fields })
  }
}
