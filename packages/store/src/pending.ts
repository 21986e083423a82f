/** What an outbox has for one session to send. */
import { LocalError, PeerError } from '@countersign/core'
import type { OutboxTables } from './outbox-tables.ts'
import { QueuedEnvelope } from './queued-envelope.ts'
import type { Closed, Reconciled } from './reconcile.ts'
import type { Remote } from './tables.ts'
import { waitFor } from './wait.ts'

/** As many conflicts does a receiver answer at a place; of what it has taken already each may turn out to be one. */
const MOST_CONFLICTS = 16
/** How often another process's messages are looked for, in ms. */
export const POLL = 500

export interface PendingOptions {
  readonly tables: Remote<OutboxTables>
  readonly session: Reconciled
  readonly pathOf: (file: string) => string
  /** Resolves when something has changed. */
  readonly news: () => Promise<void>
}

/** Everything without a receipt, in the order of the numbers, and what comes, until the signal or the end of the place. */
export async function* pendingEnvelopes(options: PendingOptions, signal: AbortSignal): AsyncGenerator<QueuedEnvelope> {
  const { tables, session, pathOf, news } = options
  const { place, next: due } = session
  let answered = 0
  for (let next = 1; !signal.aborted;) {
    const change = news()
    const { rows, over } = await tables.pending(place, next)
    for (const row of rows) {
      if (signal.aborted) return
      if (row.first < due && (answered += 1) > MOST_CONFLICTS) {
        await settled(options, next, signal)
        if (await tables.diverged(place)) throw OVER.OUTBOX_BEHIND()
        answered = 1
      }
      next = row.first + row.count
      yield new QueuedEnvelope(row, pathOf)
    }
    if (over !== null) throw OVER[over]()
    if (rows.length === 0) await waitFor(change, POLL, signal)
  }
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
