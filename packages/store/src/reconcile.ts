/** What follows where a receiver stands elsewhere than the outbox thinks (docs/DELIVERY.md, "Restored backups"). */
import { equal, OUTCOME } from '@countersign/core/protocol'
import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** What a session's handshake said. */
export interface SessionStart {
  readonly receiver: Uint8Array
  readonly outbox: Uint8Array
  readonly journal: Uint8Array
  readonly next: number
  /** The last receipt that was kept before that handshake: what was settled later the receiver may not have told of. */
  readonly mark: number
}

/** Messages by their serials. */
export interface Serials {
  readonly serial: number
  readonly count: number
}

export interface Reconciled {
  /** The place of this session, and the number that its receiver expects there. */
  readonly place: number
  readonly next: number
  /** Why nothing is numbered there any more. */
  readonly closed: Closed | null
  /** What was found, where the two sides do not fit. */
  readonly found: 'SERVER_REGRESSED' | 'OUTBOX_BEHIND' | 'OUTBOX_MOVED' | undefined
  /** Messages that had a receipt, and are sent again as they were. */
  readonly resent: readonly Serials[]
  /** Messages that are signed anew, at a fresh outbox id: the receiver may have had them already. */
  readonly resigned: readonly Serials[]
  /** Messages that the receiver had given a receipt for, whose bodies are no longer held. */
  readonly lost: readonly Serials[]
}

export type Closed = 'SERVER_REGRESSED' | 'OUTBOX_BEHIND' | 'RENEWED'

interface Row extends Serials {
  readonly id: number
  readonly first: number
  readonly outcome: number | null
  readonly held: number
}

interface PlaceRow {
  readonly id: number
  readonly last: number
  readonly closed: Closed | null
}

const SENDABLE = 'envelope.held = 1 OR withdrawn = 1'

export class Reconciliation {
  readonly #sql: Readonly<Record<string, StatementSync>>
  /** The last id that was taken since the outbox was opened. */
  #taken: Uint8Array | undefined

  constructor(database: DatabaseSync) {
    const sql = (text: string): StatementSync => database.prepare(text)
    this.#sql = {
      place: sql('SELECT id, last, closed FROM place WHERE receiver = ? AND outbox = ?'),
      add: sql('INSERT INTO place (receiver, outbox) VALUES (?, ?)'),
      others: sql('SELECT id FROM place WHERE receiver = ? AND id <> ?'),
      close: sql('UPDATE place SET closed = ? WHERE id = ? AND closed IS NULL'),
      closeAll: sql(`UPDATE place SET closed = 'RENEWED' WHERE receiver = ? AND closed IS NULL`),
      unusedId: sql(
        'SELECT id FROM outbox WHERE NOT EXISTS (SELECT 1 FROM place WHERE receiver = ? AND place.outbox = outbox.id)',
      ),
      freshId: sql('UPDATE outbox SET id = randomblob(16) RETURNING id'),
      behind: sql(`SELECT id, first, count, serial, outcome, (${SENDABLE}) AS held FROM envelope
        WHERE place = ? AND first + count > ? AND outcome <> 0
          AND NOT EXISTS (SELECT 1 FROM receipt WHERE receipt.envelope = envelope.id AND receipt.id > ?) ORDER BY first`),
      pending: sql(`SELECT id, first, count, serial, outcome, 1 AS held FROM envelope
        WHERE place = ? AND outcome IS NULL ORDER BY first`),
      overtaken: sql(`SELECT id, first, count, serial, outcome, 1 AS held FROM envelope
        WHERE place = ? AND outcome IS NULL AND first < ?
          AND first > (SELECT min(first) FROM envelope WHERE place = ? AND outcome = ${OUTCOME.conflict}) ORDER BY first`),
      lastJournal: sql('SELECT journal FROM receipt WHERE place = ? ORDER BY id DESC LIMIT 1'),
      forked: sql(`SELECT 1 FROM receipt JOIN envelope ON envelope.id = receipt.envelope
        WHERE receipt.place = ? AND journal = ? AND first + count > ? AND receipt.id <= ? LIMIT 1`),
      reopen: sql('UPDATE envelope SET outcome = NULL WHERE id = ?'),
      resign: sql('UPDATE envelope SET outcome = coalesce(outcome, 0), again = 1 WHERE id = ?'),
    }
  }

  run(start: SessionStart): Reconciled {
    const { receiver, outbox, journal, next, mark } = start
    const place = this.#place(receiver, outbox)
    const elsewhere = this.#strandedBut(receiver, place.id)
    const stranded = [...elsewhere, ...this.#overtaken(place, next)]
    const { closed } = place
    const moved = elsewhere.length > 0 ? 'OUTBOX_MOVED' : undefined
    const base = { place: place.id, next, closed, found: moved, resent: [], resigned: stranded, lost: [] } as const
    if (next > place.last + 1) {
      this.moveOn(receiver, place.id, 'OUTBOX_BEHIND')
      return { ...base, closed: closed ?? 'OUTBOX_BEHIND', found: closed === null ? 'OUTBOX_BEHIND' : moved }
    }
    const behind = (this.#sql['behind']!.all(place.id, next, mark) as unknown as Row[]).filter(({ outcome }) => outcome !== null)
    if (behind.length > 0) return this.#regressed(start, place, behind, stranded)
    const last = this.#sql['lastJournal']!.get(place.id) as { journal: Uint8Array } | undefined
    return last === undefined || equal(last.journal, journal) ? base : { ...base, found: 'SERVER_REGRESSED' }
  }

  /** The receiver has lost envelopes that it had given receipts for. */
  #regressed(
    { receiver, journal, next, mark }: SessionStart,
    { id: place, closed }: PlaceRow,
    behind: readonly Row[],
    stranded: readonly Serials[],
  ): Reconciled {
    const promised = behind.some(({ outcome }) => outcome === 1)
    // A journal that gives its receipts anew under its old id would fork the chain that is held for it.
    const forked = this.#sql['forked']!.get(place, journal, next, mark) !== undefined
    const whole = behind[0]!.first === next
    const gone = behind.findIndex(({ held }) => held === 0)
    const sendable = !promised || forked || !whole ? 0 : gone < 0 ? behind.length : gone
    const resent = behind.slice(0, sendable)
    for (const { id } of resent) this.#sql['reopen']!.run(id)
    const found = 'SERVER_REGRESSED'
    if (sendable === behind.length) return { place, next, closed, found, resent, resigned: stranded, lost: [] }
    const rest = behind.slice(sendable).filter(({ outcome }) => outcome === 1)
    const waiting = (this.#sql['pending']!.all(place) as unknown as Row[]).filter(({ id }) =>
      resent.every((row) => row.id !== id),
    )
    const resigned = [...rest.filter(({ held }) => held === 1), ...waiting]
    for (const { id } of resigned) this.#sql['resign']!.run(id)
    this.moveOn(receiver, place, 'SERVER_REGRESSED')
    const lost = rest.filter(({ held }) => held === 0)
    return { place, next, closed: closed ?? found, found, resent, resigned: [...stranded, ...resigned], lost }
  }

  renew(receiver: Uint8Array): Reconciled {
    this.#sql['closeAll']!.run(receiver)
    const { id: place } = this.#place(receiver, this.#freshId())
    const resigned = this.#strandedBut(receiver, place)
    return { place, next: 1, closed: null, found: undefined, resent: [], resigned, lost: [] }
  }

  /** What is new gets its numbers at a fresh outbox id. @returns false where that was so before */
  moveOn(receiver: Uint8Array, place: number, why: Closed): boolean {
    if (this.#sql['close']!.run(why, place).changes === 0) return false
    this.#sql['add']!.run(receiver, this.#idUnusedBy(receiver))
    return true
  }

  /**
   * A server announces one id to all its clients, and each change of it has what is on its way to others signed anew: who is
   * at an id that was given up goes to the one that came instead. Not to one that was there before the outbox was opened: of
   * what was sent there an older copy may know nothing.
   */
  #idUnusedBy(receiver: Uint8Array): Uint8Array {
    const unused = this.#sql['unusedId']!.get(receiver) as { id: Uint8Array } | undefined
    return unused !== undefined && this.#taken !== undefined && equal(unused.id, this.#taken) ? unused.id : this.#freshId()
  }

  #freshId(): Uint8Array {
    return (this.#taken = (this.#sql['freshId']!.get() as { id: Uint8Array }).id)
  }

  /**
   * Behind the first conflict all that the receiver has taken is of the outbox that this one is an older copy of: what has such
   * a number here is signed anew. It is not asked for one by one, for a receiver answers few conflicts.
   */
  #overtaken({ id, closed }: PlaceRow, next: number): Serials[] {
    if (closed !== 'OUTBOX_BEHIND') return []
    const overtaken = this.#sql['overtaken']!.all(id, next, id) as unknown as Row[]
    for (const row of overtaken) this.#sql['resign']!.run(row.id)
    return overtaken
  }

  /** What waits at other places of this receiver than the session's, which announced that one for good, is signed anew. */
  #strandedBut(receiver: Uint8Array, place: number): Serials[] {
    const stranded: Row[] = []
    for (const { id } of this.#sql['others']!.all(receiver, place) as { id: number }[]) {
      if (id > place) continue
      stranded.push(...(this.#sql['pending']!.all(id) as unknown as Row[]))
    }
    for (const { id } of stranded) this.#sql['resign']!.run(id)
    return stranded
  }

  #place(receiver: Uint8Array, outbox: Uint8Array): PlaceRow {
    const find = (): PlaceRow | undefined => this.#sql['place']!.get(receiver, outbox) as PlaceRow | undefined
    const found = find()
    if (found !== undefined) return found
    this.#sql['add']!.run(receiver, outbox)
    return find()!
  }
}
