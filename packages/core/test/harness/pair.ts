/** Two sessions that talk in memory: time is a number, and the stream is cut, held back and lost as a test says. */
import { concat, copy, hex } from '../../src/bytes.ts'
import type { TrafficSecrets } from '../../src/handshake/key-schedule.ts'
import type { CountersignError } from '../../src/errors.ts'
import type { Limits } from '../../src/session/limits.ts'
import { Session, type SessionEvent } from '../../src/session/session.ts'
import { establish } from './handshake.ts'

export type Role = 'client' | 'server'

export function other(role: Role): Role {
  return role === 'client' ? 'server' : 'client'
}

/** A copy: a session overwrites the secrets that it is made of. */
export function secretsCopy(secrets: TrafficSecrets): TrafficSecrets {
  const { client, server, sessionId } = secrets
  return { client: copy(client), server: copy(server), sessionId } as unknown as TrafficSecrets
}

export function freshSecrets(): TrafficSecrets {
  return establish().client.secrets
}

/** An event as a value to compare: in hexadecimal, and its pieces joined, for they are cut where the stream was. */
export function plainEvent(event: SessionEvent): unknown {
  if (event.type === 'part') return { ...event, pieces: hex(concat(...event.pieces)) }
  if (event.type !== 'receipt') return event
  const { statement, signature } = event.receipt
  return { ...event, receipt: { statement: hex(statement), signature: hex(signature) } }
}

/** One side: its session, and what it has seen. */
export interface Side {
  readonly session: Session
  readonly events: SessionEvent[]
  error: CountersignError | undefined
  /** Bytes on their way to it. */
  incoming: Uint8Array
}

export interface PairOptions {
  readonly limits?: Partial<Limits>
  readonly secrets?: TrafficSecrets
  readonly mayReceive?: Partial<Record<Role, boolean>>
}

export class Pair {
  /** Milliseconds. */
  now = 0
  readonly client: Side
  readonly server: Side

  constructor({ limits = {}, secrets = freshSecrets(), mayReceive = {} }: PairOptions = {}) {
    const side = (role: Role): Side => {
      const { [role]: receives = true } = mayReceive
      const session = new Session({ role, secrets: secretsCopy(secrets), mayReceive: receives, limits, now: this.now })
      return { session, events: [], error: undefined, incoming: new Uint8Array(0) }
    }
    this.client = side('client')
    this.server = side('server')
  }

  /** Puts what a side has to write on its way to the other; answers how many bytes that is. */
  write(from: Role): number {
    const bytes = concat(...this[from].session.takeOutput(this.now))
    const to = this[other(from)]
    to.incoming = concat(to.incoming, bytes)
    return bytes.length
  }

  /** Lets a side read so many bytes of what is on its way, `piece` at a time. */
  read(to: Role, most: number = Infinity, piece: number = Infinity): void {
    const side = this[to]
    const bytes = side.incoming.subarray(0, most)
    side.incoming = side.incoming.subarray(bytes.length)
    try {
      for (let at = 0; at < bytes.length; at += piece) {
        for (const event of side.session.receive(bytes.subarray(at, at + piece), this.now)) side.events.push(event)
      }
    } catch (error) {
      side.error ??= error as CountersignError
    }
  }

  /** Loses bytes that are on their way. */
  lose(to: Role, from: number, length: number): void {
    const { incoming } = this[to]
    this[to].incoming = concat(incoming.subarray(0, from), incoming.subarray(from + length))
  }

  /** Carries everything, both ways, until neither side writes any more. */
  settle(piece?: number): void {
    for (let moved = 1; moved > 0;) {
      moved = this.write('client') + this.write('server')
      this.read('server', Infinity, piece)
      this.read('client', Infinity, piece)
    }
  }

  /** Time passes: whatever is due on the way is done. */
  sleep(ms: number): void {
    for (const until = this.now + ms; ;) {
      const due = Math.min(this.client.session.nextTick, this.server.session.nextTick)
      if (due > until) {
        this.now = until
        return
      }
      this.now = Math.max(due, this.now)
      const states = [this.client, this.server].map(({ session }) => session.tick(this.now))
      this.settle()
      if (states.some((state) => state !== 'on')) return
    }
  }
}
