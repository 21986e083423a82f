/** Staying connected to a server, through as many sessions as it takes. */
import { type ErrorCode, REASON } from '@countersign/core'
import { equal } from '@countersign/core/protocol'
import { CliError, describeFailure, printable } from '@countersign/keyexchange/cli'
import { connect, type ConnectionState, type DurableClient, type DurableOptions, retriable } from '@countersign/store'
import { type Journey, type SessionOptions, stopped, type WayOptions } from './way.ts'

export interface StayOptions extends WayOptions {
  /** How long to go on trying where the server cannot be reached or goes away; ms */
  readonly retry: number
}

/** After these the outbox goes on by itself at once: there is nothing to wait for. */
const GOES_ON: readonly ErrorCode[] = ['SERVER_REGRESSED', 'OUTBOX_BEHIND', 'PLACE_MOVED']

/**
 * Connects and stays until the signal, or until there is no point in trying again. What stays for long follows its home:
 * new keys of either side count from the next session on, and a server that is no longer trusted is left at once.
 *
 * @param retry how long to go on trying where the server cannot be reached or goes away; ms
 * @param carried what is sent, or where what comes is kept
 * @returns why it is over; undefined where the signal ended it
 */
export async function stay(
  { home, peer, output, interrupted, begin }: Journey,
  session: SessionOptions,
  retry: number,
  carried: Pick<DurableOptions, 'outbox' | 'journal'>,
  signal: AbortSignal,
  use: (client: DurableClient) => void = () => {},
): Promise<Error | undefined> {
  let { identity } = session
  let reachedAt = performance.now()
  let connected = false
  let left: Error | undefined
  const client = connect({
    ...session,
    ...carried,
    get peer() {
      return home.peers.find(({ name }) => name === peer.name) ?? peer
    },
    get identity() {
      return identity
    },
    get formerKeys() {
      return home.keys.slice(0, -identity.length)
    },
    retries(end) {
      if (connected) reachedAt = performance.now()
      connected = false
      if (end.error !== undefined && GOES_ON.includes(end.error.code)) return true
      return retriable(end) && performance.now() - reachedAt < retry
    },
    onState(state) {
      if (state.state === 'connected') {
        connected = true
        begin?.(state.session)
      }
      if (state.state === 'waiting') output.note(`${peer.name}: ${waiting(state)}`)
    },
  })
  const trusted = (): boolean => home.peers.some(({ keys }) => equal(keys[0]!.id, peer.keys[0]!.id))
  const follow = async (): Promise<void> => {
    if (trusted()) {
      // A server whose session began under a key that is good no more is met again under its present one.
      const { session } = client
      if (session !== undefined && home.trust(session.peer.key.id) === undefined) void session.abandon(REASON.goingAway)
      // Where the new key cannot be unlocked it goes on as it was.
      identity = await home.identities().catch(() => identity)
      return
    }
    left = new CliError('CONFLICT', `${peer.name} is no longer trusted here`, 'see `keys list`; `keys swap` trusts it anew')
    await client.close(false)
  }
  const watching = retry > 0 ? home.watch(() => void follow()) : undefined
  const leave = (): void => void client.close(!interrupted.aborted)
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  use(client)
  const { error } = await client.closed
  signal.removeEventListener('abort', leave)
  watching?.[Symbol.dispose]()
  return left ?? (signal.aborted ? undefined : (error ?? stopped()))
}

function waiting({ ms, error, said }: ConnectionState & { state: 'waiting' }): string {
  const what = printable(describeFailure(error ?? stopped()).message)
  // An error holds it already.
  return `${what}${error === undefined && said !== undefined ? `: ${printable(said)}` : ''}; trying again in ${(ms / 1000).toFixed(1)} s`
}
