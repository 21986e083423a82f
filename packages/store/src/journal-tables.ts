/** All SQL of the journal. */
import type { Place } from '@countersign/core'
import { equal, hex, random, release } from '@countersign/core/protocol'
import { randomInt } from 'node:crypto'
import type { StatementSync } from 'node:sqlite'
import { makePrivateFile } from './database.ts'
import { ItemFiles } from './item-files.ts'
import { makeAnew, markAsBackup, type Restored, Restores } from './journal-copy.ts'
import { JOURNAL_SCHEMA } from './journal-schema.ts'
import type {
  EntryRow,
  FullPlaceRow,
  Held,
  HeldRow,
  Hold,
  NewEntry,
  Noticed,
  PartialRow,
  PlaceRow,
  PlaceState,
  Pruned,
  Usage,
} from './journal-rows.ts'
import { Refused } from './refused.ts'
import { page, PAGE_ROWS, Tables } from './tables.ts'

const MOST_MESSAGES = 4096

const ENTRY =
  'id, place, serial, messages, digest, statement, signature, receipt, receipt_signature, length, lengths, items, file'

export class JournalTables extends Tables {
  readonly reads: ReadonlySet<string> = new Set([
    'id',
    'head',
    'find',
    'entries',
    'messages',
    'usage',
    'bounds',
    'snapshot',
    'restores',
    'unheard',
    'files',
    'copyInto',
    'shrink',
  ])
  readonly #files: ItemFiles
  readonly #sql: Readonly<Record<string, StatementSync>>
  readonly #restores: Restores

  /** @param backupToo whether it may be a backup, to be read and copied */
  constructor(file: string, backupToo?: boolean) {
    super(file, JOURNAL_SCHEMA, backupToo)
    this.#files = new ItemFiles(file)
    this.#restores = new Restores(this.database)
    const sql = (text: string): StatementSync => this.database.prepare(text)
    this.#sql = {
      id: sql('SELECT id FROM journal'),
      place: sql('SELECT id, last, receipts, chain, conflicts FROM place WHERE sender = ? AND receiver = ? AND outbox = ?'),
      addPlace: sql('INSERT INTO place (sender, receiver, outbox) VALUES (?, ?, ?)'),
      advance: sql('UPDATE place SET last = ?, receipts = ?, chain = ?, conflicts = conflicts + ? WHERE id = ? AND receipts = ?'),
      find: sql('SELECT receipt AS statement, receipt_signature AS signature FROM entry WHERE place = ? AND digest = ?'),
      nextSerial: sql('SELECT coalesce((SELECT serial + messages FROM entry ORDER BY id DESC LIMIT 1), 1) AS serial'),
      append: sql(`INSERT INTO entry (place, serial, messages, digest, statement, signature, receipt, receipt_signature,
        received_at, length, lengths, items, file) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`),
      partial: sql('SELECT digest, length, file, holder FROM partial WHERE place = ?'),
      partials: sql('SELECT place, file FROM partial'),
      addPartial: sql('INSERT INTO partial (place, digest, length, file, holder) VALUES (?, ?, ?, ?, 0)'),
      holdPartial: sql('UPDATE partial SET holder = ? WHERE place = ?'),
      dropPartial: sql('DELETE FROM partial WHERE place = ?'),
      ofFile: sql('SELECT 1 FROM entry WHERE file = ?'),
      entries: sql(`SELECT ${ENTRY} FROM entry WHERE id > ? ORDER BY id LIMIT ${PAGE_ROWS}`),
      messages: sql(`SELECT ${ENTRY} FROM entry WHERE messages > 0 AND serial > ? - ${MOST_MESSAGES}
        AND serial + messages > ? ORDER BY serial LIMIT ${PAGE_ROWS}`),
      usage: sql(`WITH own AS (SELECT max(id) AS id FROM place WHERE sender = $sender AND outbox = $outbox)
        SELECT count(*) FILTER (WHERE place.id < coalesce(own.id, ${Number.MAX_SAFE_INTEGER})) AS places,
          count(partial.place) AS partials, coalesce(sum(partial.length), 0)
          + coalesce((SELECT sum(entry.length) FROM entry JOIN place ON place.id = entry.place
              WHERE sender = $sender AND (items IS NOT NULL OR file IS NOT NULL)), 0) AS bytes
        FROM own, place LEFT JOIN partial ON partial.place = place.id AND place.id IS NOT own.id WHERE sender = $sender`),
      bounds: sql('SELECT count(*) AS entries, coalesce(max(serial + messages), 1) - 1 AS messages FROM entry'),
      held: sql(`SELECT id, received_at, messages, length, file FROM entry WHERE items IS NOT NULL OR file IS NOT NULL
        ORDER BY received_at, id LIMIT ${PAGE_ROWS}`),
      heldBytes: sql('SELECT coalesce(sum(length), 0) AS bytes FROM entry WHERE items IS NOT NULL OR file IS NOT NULL'),
      lastEntry: sql('SELECT coalesce(max(id), 0) AS last FROM entry'),
      places: sql('SELECT id, sender, receiver, outbox, last, receipts, chain, conflicts FROM place ORDER BY id'),
      files: sql('SELECT id, file FROM entry WHERE file IS NOT NULL ORDER BY id'),
      copyInto: sql('VACUUM INTO ?'),
      drop: sql('UPDATE entry SET items = NULL, file = NULL WHERE id = ?'),
    }
  }

  override close(): void {
    this.#files.closeAll()
    super.close()
  }

  id(): Uint8Array {
    return (this.#sql['id']!.get() as { id: Uint8Array }).id
  }

  /** Drops partials that were not written to since then, and files that belong to nothing. */
  tidy(before: number): void {
    const known = new Set<string>()
    for (const { place, file } of this.#sql['partials']!.all() as { place: number; file: string }[]) {
      if ((this.#files.touched(file) ?? 0) < before) this.#sql['dropPartial']!.run(place)
      else known.add(file)
    }
    for (const file of this.#files.names()) {
      if (known.has(file) || this.#sql['ofFile']!.get(file) !== undefined) continue
      this.afterCommit(() => this.#files.remove(file))
    }
  }

  head(place: Place): PlaceState | undefined {
    const row = this.#place(place)
    if (row === undefined) return undefined
    const { id, ...state } = row
    const partial = this.#partial(id)
    const offset = partial === undefined ? 0 : this.#files.size(partial.file)
    return { ...state, partial: offset === 0 ? undefined : { digest: partial!.digest, offset } }
  }

  find(place: Place, digest: Uint8Array): { statement: Uint8Array; signature: Uint8Array } | undefined {
    const row = this.#place(place)
    return row && (this.#sql['find']!.get(row.id, digest) as ReturnType<JournalTables['find']>)
  }

  /** Keeps an entry; answers what it shows of its sender. */
  append(entry: NewEntry): Noticed | undefined {
    const { place, index, chain, conflict, last, messages, held, digest } = entry
    const found = this.#placeOrNew(place)
    const { id, receipts } = found
    if (receipts !== index - 1) throw new Refused()
    if (held !== null) this.#complete(held)
    this.#sql['advance']!.run(last, index, chain, conflict ? 1 : 0, id, receipts)
    const { serial } = this.#sql['nextSerial']!.get() as { serial: number }
    const { statement, signature, receipt, receiptSignature, receivedAt, length, lengths, items } = entry
    const signed = [statement, signature, receipt, receiptSignature] as const
    this.#sql['append']!.run(id, serial, messages, digest, ...signed, receivedAt, length, lengths, items, held?.file ?? null)
    if (!conflict) this.#forget(id, held === null)
    return conflict ? 'conflict' : this.#restores.returned(place, found)
  }

  /** Makes a long item durable under its final name. */
  #complete(held: Hold): void {
    this.#requireHeld(held)
    this.#files.complete(held.file)
  }

  /** The right to write to what is held of this envelope; what is held of another at this place is dropped. */
  hold(place: Place, digest: Uint8Array, length: number): Hold & Held {
    const { id } = this.#placeOrNew(place)
    const found = this.#partial(id)
    const same = found !== undefined && equal(found.digest, digest)
    if (!same) {
      this.#forget(id, true)
      this.#sql['addPartial']!.run(id, digest, length, hex(random(16)))
    }
    this.#sql['holdPartial']!.run(randomInt(2 ** 47), id)
    const { file, holder, length: first } = this.#partial(id)!
    this.#files.open(file)
    return { place: id, file, holder, length: first, offset: this.#files.size(file), path: this.#files.path(file) }
  }

  /** Adds bytes to what is held. Inside the transaction, so that whoever lost its right cannot write late. */
  write(held: Hold, pieces: readonly Uint8Array[]): void {
    this.#requireHeld(held)
    for (const piece of pieces) {
      this.#files.write(held.file, piece)
      release(piece)
    }
  }

  /** Ends writing; what is held stays. */
  suspend(held: Hold): void {
    if (this.#isHeld(held)) this.#files.close(held.file)
  }

  discard(held: Hold): void {
    if (this.#isHeld(held)) this.#forget(held.place, true)
  }

  dropPartial(place: Place): void {
    const row = this.#place(place)
    if (row !== undefined) this.#forget(row.id, true)
  }

  /** Entries behind this one, in their order. */
  entries(after: number): EntryRow[] {
    return page(this.#sql['entries']!.iterate(after))
  }

  /** Entries with messages behind this serial, in their order. */
  messages(after: number): EntryRow[] {
    return page(this.#sql['messages']!.iterate(after + 1, after + 1))
  }

  bounds(): { entries: number; messages: number } {
    return this.#sql['bounds']!.get() as { entries: number; messages: number }
  }

  usage(sender: Uint8Array, outbox: Uint8Array | null): Usage {
    return { ...(this.#sql['usage']!.get({ $sender: sender, $outbox: outbox }) as unknown as Usage) }
  }

  /**
   * Drops bodies, the oldest first: those received before then, and those that are more than so many bytes. What they
   * are proved by stays. Does a part of it at a time.
   */
  prune(before: number, mostBytes: number): Pruned {
    let { bytes: held } = this.#sql['heldBytes']!.get() as { bytes: number }
    const pruned = { messages: 0, bytes: 0 }
    for (const row of this.#sql['held']!.all() as unknown as HeldRow[]) {
      if (row.received_at >= before && held <= mostBytes) return { ...pruned, more: false }
      held -= row.length
      pruned.messages += row.messages
      pruned.bytes += row.length
      this.#sql['drop']!.run(row.id)
      if (row.file !== null) this.afterCommit(() => this.#files.remove(row.file!))
    }
    return { ...pruned, more: pruned.messages > 0 }
  }

  /** Gives the room of what was dropped back to the file system. */
  shrink(): void {
    this.database.exec('PRAGMA incremental_vacuum')
  }

  /** The places, and the last entry, as of one moment. */
  snapshot(): { readonly last: number; readonly places: FullPlaceRow[] } {
    const alone = !this.database.isTransaction
    if (alone) this.database.exec('BEGIN')
    const { last } = this.#sql['lastEntry']!.get() as { last: number }
    const places = this.#sql['places']!.all() as unknown as FullPlaceRow[]
    if (alone) this.database.exec('COMMIT')
    return { last, places }
  }

  /** The files of all items that are held in files. */
  files(): { id: number; file: string }[] {
    return this.#sql['files']!.all() as { id: number; file: string }[]
  }

  /** Writes a copy as of now to a new file. */
  copyInto(file: string): void {
    makePrivateFile(file)
    this.#sql['copyInto']!.run(file)
  }

  /**
   * Makes a copy what it is for.
   *
   * @param kind a backup, or a journal of its own
   * @param gone entries whose files could not be copied, because they were pruned meanwhile
   * @param at ms since 1970, UTC
   */
  adopt(kind: 'backup' | 'journal', gone: readonly number[], at: number): void {
    this.database.exec('DELETE FROM partial')
    if (kind === 'journal') makeAnew(this.database, at)
    else markAsBackup(this.database)
    for (const id of gone) this.#sql['drop']!.run(id)
  }

  /** Each time that this journal was made from a backup, the last one last. */
  restores(): readonly Restored[] {
    return this.#restores.all
  }

  /** How many places of that backup have not been heard of since. */
  unheard(): number {
    return this.#restores.unheard()
  }

  #place({ sender, receiver, outbox }: Place): PlaceRow | undefined {
    return this.#sql['place']!.get(sender, receiver, outbox) as PlaceRow | undefined
  }

  #placeOrNew(place: Place): PlaceRow {
    const found = this.#place(place)
    if (found !== undefined) return found
    this.#sql['addPlace']!.run(place.sender, place.receiver, place.outbox)
    return this.#place(place)!
  }

  #partial(place: number): PartialRow | undefined {
    return this.#sql['partial']!.get(place) as PartialRow | undefined
  }

  #isHeld({ place, file, holder }: Hold): boolean {
    const found = this.#partial(place)
    return found !== undefined && found.holder === holder && found.file === file
  }

  #requireHeld(held: Hold): void {
    if (!this.#isHeld(held)) throw new Refused()
  }

  /** Ends a partial; its file goes too, unless an entry has it now. */
  #forget(place: number, withFile: boolean): void {
    const found = this.#partial(place)
    if (found === undefined) return
    this.#sql['dropPartial']!.run(place)
    if (withFile) this.afterCommit(() => this.#files.remove(found.file))
  }
}
