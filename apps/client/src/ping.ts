/** How near a server is: how long it takes to reach it, to prove each other, and to go there and back. */
import type { SecureSession, VerifiedPeer } from '@countersign/core'
import { setTimeout as sleep } from 'node:timers/promises'
import { dial, type Journey, sessionOptions, type WayOptions } from './way.ts'

export interface Pinged {
  readonly peer: VerifiedPeer
  readonly host: string
  readonly port: number
  /** The session's name for logs */
  readonly session: string
  /** The longest item that the server takes, in bytes */
  readonly maxItem: number
  /** Until there was a connection, and from then until each side had proved itself; ms */
  readonly connect: number
  readonly handshake: number
  /** Each there and back; ms */
  readonly roundTrips: readonly number[]
}

/** A peer that asks faster than this for long is sent away: so many at once, then one every so many ms (protocol section 7). */
const AT_ONCE = 32
const PACE = 150

/** @throws what core's `connect` throws, and what ended the session before the last answer */
export async function ping(journey: Journey, options: WayOptions, count: number): Promise<Pinged> {
  const began = performance.now()
  let reached = Infinity
  const trace: Journey['trace'] = (event) => {
    reached = Math.min(reached, performance.now())
    journey.trace(event)
  }
  const to = await sessionOptions({ ...journey, trace }, options)
  await using session = await dial({ ...to, signal: journey.interrupted }, journey)
  const proved = performance.now()
  const roundTrips: number[] = []
  for (let n = 0; n < count && !journey.interrupted.aborted; n++) {
    if (n >= AT_ONCE) await sleep(PACE)
    roundTrips.push(await roundTrip(session))
  }
  return {
    peer: session.peer,
    host: to.host!,
    port: to.port,
    session: session.id,
    maxItem: session.peerMaxItem,
    connect: reached - began,
    handshake: proved - reached,
    roundTrips,
  }
}

async function roundTrip(session: SecureSession): Promise<number> {
  const answer = await Promise.race([session.ping(), session.closed])
  if (typeof answer === 'number') return answer
  return session.ping()
}
