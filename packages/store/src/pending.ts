/** What an outbox has for one session to send. */
import { LocalError, PeerError } from '@countersign/core'
import type { OutboxTables } from './outbox-tables.ts'
import { QueuedEnvelope } from './queued-envelope.ts'
import type { Closed, Reconciled } from './reconcile.ts'
import { PAGE_BYTES, PAGE_ROWS, type Remote } from './tables.ts'
import { waitFor } from './wait.ts'

/** As many conflicts does a receiver answer at a place; of what it has taken already each may turn out to be one. */
const MOST_CONFLICTS = 16
/** How often another process's messages are looked for, in ms. */
export const POLL = 500

/** What was committed a moment ago, in the order of the numbers. */
interface Tail {
  envelopes: QueuedEnvelope[]
  /** Of their items. */
  bytes: number
  /** The number behind them. */
  end: number
}

/** For sessions that keep up: what they need not read back. No more of it than what is read back at a time. */
export class Tails {
  /** By their places; of one that no session sends from there is none. */
  readonly #tails = new Map<number, Tail>()

  /** A session sends from this place now. @returns ends that, unless a newer one does */
  open(place: number): () => void {
    const tail: Tail = { envelopes: [], bytes: 0, end: 0 }
    this.#tails.set(place, tail)
    return () => {
      if (this.#tails.get(place) === tail) this.#tails.delete(place)
    }
  }

  add(place: number, envelope: QueuedEnvelope): void {
    const tail = this.#tails.get(place)
    if (tail === undefined) return
    if (tail.bytes >= PAGE_BYTES || tail.envelopes.length >= PAGE_ROWS) forget(tail)
    tail.envelopes.push(envelope)
    tail.bytes += envelope.length
    tail.end = envelope.first + envelope.count
  }

  /** The envelope that begins with this number; those before it are no longer needed. */
  take(place: number, number: number): QueuedEnvelope | undefined {
    const tail = this.#tails.get(place)
    if (tail === undefined) return undefined
    const { envelopes } = tail
    while (envelopes.length > 0 && envelopes[0]!.first <= number) {
      const envelope = envelopes.shift()!
      tail.bytes -= envelope.length
      if (envelope.first === number) return envelope
    }
    return undefined
  }

  /** Whether this process has committed nothing from this number on. */
  endsAt(place: number, number: number): boolean {
    return this.#tails.get(place)?.end === number
  }

  /** What stands in the outbox may no longer be what it was. */
  clear(): void {
    this.#tails.forEach(forget)
  }
}

function forget(tail: Tail): void {
  tail.envelopes = []
  tail.bytes = tail.end = 0
}

export interface PendingOptions {
  readonly tables: Remote<OutboxTables>
  readonly tails: Tails
  readonly session: Reconciled
  readonly pathOf: (file: string) => string
  /** Resolves when something has changed. */
  readonly news: () => Promise<void>
}

/** Everything without a receipt, in the order of the numbers, and what comes, until the signal or the end of the place. */
export async function* pendingEnvelopes(options: PendingOptions, signal: AbortSignal): AsyncGenerator<QueuedEnvelope> {
  const { tables, tails, session, news } = options
  const { place, next: due } = session
  const closeTail = tails.open(place)
  let answered = 0
  try {
    for (let [next, readAt] = [1, 0]; !signal.aborted;) {
      const change = news()
      const fresh = tails.take(place, next)
      const unread = readAt + POLL - performance.now()
      if (fresh === undefined && tails.endsAt(place, next) && unread > 0) {
        await waitFor(change, unread, signal)
        continue
      }
      if (fresh === undefined) readAt = performance.now()
      const { envelopes, over } = fresh === undefined ? await read(options, next) : { envelopes: [fresh], over: null }
      for (const envelope of envelopes) {
        if (signal.aborted) return
        if (envelope.first < due && (answered += 1) > MOST_CONFLICTS) {
          await settled(options, next, signal)
          if (await tables.diverged(place)) throw OVER.OUTBOX_BEHIND()
          answered = 1
        }
        next = envelope.first + envelope.count
        yield envelope
      }
      if (over !== null) throw OVER[over]()
      if (envelopes.length === 0) await waitFor(change, POLL, signal)
    }
  } finally {
    closeTail()
  }
}

/** What is to be sent from this number on, as much of it as is read at a time; and why no more will come. */
async function read(
  { tables, session: { place }, pathOf }: PendingOptions,
  number: number,
): Promise<{ envelopes: QueuedEnvelope[]; over: Closed | null }> {
  const { rows, over } = await tables.pending(place, number)
  return { envelopes: rows.map((row) => new QueuedEnvelope(row, pathOf)), over }
}

/** Resolves when all before this number has its receipt, or the signal is aborted. */
async function settled({ tables, session, news }: PendingOptions, number: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const change = news()
    if (signal.aborted || !(await tables.waits(session.place, number))) return
    await waitFor(change, POLL, signal)
  }
}

const OVER: Readonly<Record<Closed, () => Error>> = {
  SERVER_REGRESSED: () => new PeerError('SERVER_REGRESSED'),
  OUTBOX_BEHIND: () => new LocalError('OUTBOX_BEHIND'),
  RENEWED: () => new LocalError('PLACE_MOVED', 'it has a fresh outbox id'),
}
