/** What a copy of a journal is: a backup, which is marked as one, or a journal of its own, which knows what it was made from. */
import type { Place } from '@countersign/core'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Noticed, PlaceRow } from './journal-rows.ts'
import { JOURNAL_SCHEMA } from './journal-schema.ts'

/** A backup that was made into a journal. */
export interface Restored {
  /** When; ms since 1970, UTC */
  readonly at: number
  /** The id of the journal that the backup is of. */
  readonly former: Uint8Array
  /** What it held: entries, and messages, which is the last one's serial. */
  readonly entries: number
  readonly messages: number
  /** The last place that was in it. */
  readonly places: number
}

/** Marks a copy as a backup. */
export function markAsBackup(database: DatabaseSync): void {
  database.exec(`PRAGMA application_id = ${JOURNAL_SCHEMA.backup}`)
}

/** Makes a copy a journal with an id of its own, under which every chain of receipts begins anew. */
export function makeAnew(database: DatabaseSync, at: number): void {
  database
    .prepare(
      `INSERT INTO restored SELECT ?, id, (SELECT count(*) FROM entry),
        (SELECT coalesce(max(serial + messages), 1) - 1 FROM entry), (SELECT coalesce(max(id), 0) FROM place) FROM journal`,
    )
    .run(at)
  database.exec('UPDATE journal SET id = randomblob(16)')
  database.exec('UPDATE place SET receipts = 0, chain = zeroblob(32)')
  database.exec(`PRAGMA application_id = ${JOURNAL_SCHEMA.application}`)
}

/** What a journal that was made from a backup knows of that. */
export class Restores {
  /** Each time, the last one last. */
  readonly all: readonly Restored[]
  readonly #unheard: StatementSync
  readonly #before: StatementSync

  constructor(database: DatabaseSync) {
    const restored = database.prepare('SELECT at, former, entries, messages, places FROM restored ORDER BY rowid')
    this.all = restored.all() as unknown as Restored[]
    this.#unheard = database.prepare('SELECT count(*) AS places FROM place WHERE receipts = 0 AND last > 0')
    this.#before = database.prepare('SELECT 1 FROM place WHERE sender = ? AND receiver = ? AND id <= ? LIMIT 1')
  }

  /** How many places of the backup have not been heard of since. */
  unheard(): number {
    return (this.#unheard.get() as { places: number }).places
  }

  /** Whether a sender that was known before has its first receipt since then: at a place that stood so until now. */
  returned({ sender, receiver }: Place, { id, last, receipts }: PlaceRow): Noticed | undefined {
    const known = this.all.at(-1)?.places ?? 0
    if (receipts > 0 || known === 0) return undefined
    if (last > 0) return 'returned'
    return id > known && this.#before.get(sender, receiver, known) ? 'returned elsewhere' : undefined
  }
}
