/** All SQL of the outbox, apart from what begins a session. */
import { OUTCOME } from '@countersign/core/protocol'
import type { StatementSync } from 'node:sqlite'
import { ItemFiles } from './item-files.ts'
import type { Added, EnvelopeRow, NewEnvelope, NewReceipt, PlaceRow, ReceiptRow, Settled } from './outbox-rows.ts'
import { OUTBOX_SCHEMA } from './outbox-schema.ts'
import { type Closed, type Reconciled, Reconciliation, type SessionStart } from './reconcile.ts'
import { Refused } from './refused.ts'
import { page, PAGE_ROWS, Tables } from './tables.ts'

/** How the messages of an envelope are signed anew. */
const TOGETHER = 1
export const ALONE = 2

const MOST_MESSAGES = 4096

const ENVELOPE = `envelope.id, place, receiver, outbox, first, count, serial, digest, statement, signature, queued_at,
  length, lengths, items, file, withdrawn, outcome, again, moved
  FROM envelope JOIN place ON place.id = envelope.place JOIN content ON content.envelope = envelope.id`
const HELD = 'outcome IS NOT NULL AND held = 1'
/** What waits to be signed anew. What has moved does not, though some version has marked it so for a second receipt. */
const AGAIN = 'again > 0 AND moved = 0'

export class OutboxTables extends Tables {
  readonly reads: ReadonlySet<string> = new Set([
    'mainId',
    'idFor',
    'pending',
    'waits',
    'diverged',
    'unsettled',
    'chainHead',
    'lastReceipt',
    'holds',
    'again',
    'envelope',
    'envelopes',
    'covering',
    'receipts',
    'receiptsOf',
    'droppedOf',
  ])
  readonly #files: ItemFiles
  readonly #reconciliation: Reconciliation
  readonly #sql: Readonly<Record<string, StatementSync>>

  constructor(file: string) {
    super(file, OUTBOX_SCHEMA)
    this.#files = new ItemFiles(file)
    this.#reconciliation = new Reconciliation(this.database)
    const sql = (text: string): StatementSync => this.database.prepare(text)
    this.#sql = {
      outbox: sql('SELECT id, serial FROM outbox'),
      serials: sql('UPDATE outbox SET serial = serial + ?'),
      place: sql('SELECT id, outbox, last, closed FROM place WHERE receiver = ? ORDER BY id DESC LIMIT 1'),
      placeById: sql('SELECT id, outbox, last, closed FROM place WHERE id = ?'),
      oldest: sql(`SELECT outbox FROM place WHERE receiver = ? AND EXISTS
        (SELECT 1 FROM envelope WHERE envelope.place = place.id AND outcome IS NULL) ORDER BY id LIMIT 1`),
      addPlace: sql('INSERT INTO place (receiver, outbox) SELECT ?, id FROM outbox'),
      number: sql('UPDATE place SET last = ? WHERE id = ?'),
      add: sql(`INSERT INTO envelope (place, first, count, serial, digest, signature, queued_at, length, file)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`),
      addContent: sql('INSERT INTO content (envelope, statement, lengths, items) VALUES (?, ?, ?, ?)'),
      pending: sql(`SELECT ${ENVELOPE} WHERE place = ? AND outcome IS NULL AND first >= ? ORDER BY first LIMIT ${PAGE_ROWS}`),
      left: sql('SELECT 1 FROM envelope WHERE place = ? AND outcome IS NULL LIMIT 1'),
      waits: sql('SELECT 1 FROM envelope WHERE place = ? AND outcome IS NULL AND first < ? LIMIT 1'),
      diverged: sql(`SELECT 1 FROM envelope WHERE place = ? AND outcome = ${OUTCOME.conflict} LIMIT 1`),
      unsettled: sql(`SELECT 1 FROM envelope JOIN place ON place.id = envelope.place
        WHERE receiver = ? AND (outcome IS NULL OR ${AGAIN}) LIMIT 1`),
      chain: sql('SELECT position, chain FROM receipt WHERE place = ? AND journal = ? ORDER BY position DESC LIMIT 1'),
      envelope: sql(`SELECT ${ENVELOPE} WHERE envelope.id = ?`),
      settled: sql(
        `SELECT place, receiver, count, serial, outcome, again, moved FROM envelope JOIN place ON place.id = envelope.place
        WHERE envelope.id = ?`,
      ),
      addReceipt: sql(`INSERT INTO receipt (envelope, place, journal, position, chain, statement, signature)
        SELECT id, place, ?, ?, ?, ?, ? FROM envelope WHERE id = ?`),
      lastReceipt: sql('SELECT coalesce(max(id), 0) AS id FROM receipt'),
      holds: sql(`SELECT 1 FROM receipt JOIN envelope ON envelope.id = receipt.envelope
        WHERE receipt.envelope = ? AND receipt.statement = ? AND (outcome > 0 OR moved > 0) LIMIT 1`),
      settle: sql('UPDATE envelope SET outcome = ?, again = ?, settled_at = ? WHERE id = ?'),
      again: sql(`SELECT ${ENVELOPE} WHERE ${AGAIN} AND envelope.id > ? ORDER BY envelope.id LIMIT 1`),
      moved: sql(`UPDATE envelope SET again = 0, moved = 1, held = 0, file = NULL WHERE id = ? AND ${AGAIN}`),
      withdraw: sql('UPDATE envelope SET withdrawn = 1 WHERE id = ? AND outcome IS NULL'),
      drop: sql('INSERT OR IGNORE INTO dropped (envelope, position) VALUES (?, ?)'),
      dropped: sql('SELECT position FROM dropped WHERE envelope = ? ORDER BY position'),
      covering: sql(`SELECT ${ENVELOPE} WHERE serial > ? - ${MOST_MESSAGES} AND serial <= ? AND serial + count > ?
        ORDER BY envelope.id`),
      envelopes: sql(`SELECT ${ENVELOPE} WHERE envelope.id > ? ORDER BY envelope.id LIMIT ${PAGE_ROWS}`),
      receipts: sql(`SELECT id, envelope, statement, signature FROM receipt WHERE id > ? ORDER BY id LIMIT ${PAGE_ROWS}`),
      receiptsOf: sql('SELECT id, envelope, statement, signature FROM receipt WHERE envelope = ? ORDER BY id'),
      held: sql(`SELECT id, settled_at, length, file FROM envelope WHERE ${HELD} AND again = 0 ORDER BY settled_at, id`),
      heldBytes: sql(`SELECT coalesce(sum(length), 0) AS bytes FROM envelope WHERE ${HELD}`),
      dropBody: sql('UPDATE envelope SET held = 0, file = NULL WHERE id = ?'),
      dropItems: sql('UPDATE content SET items = NULL WHERE envelope = ? AND items IS NOT NULL'),
      ofFile: sql('SELECT 1 FROM envelope WHERE file = ?'),
    }
  }

  mainId(): Uint8Array {
    return (this.#sql['outbox']!.get() as { id: Uint8Array }).id
  }

  /** The outbox id for the next session with this receiver: older places are emptied first. */
  idFor(receiver: Uint8Array): Uint8Array {
    const row = this.#sql['oldest']!.get(receiver) ?? this.#sql['place']!.get(receiver)
    return (row as { outbox: Uint8Array } | undefined)?.outbox ?? this.mainId()
  }

  /** Where this receiver's new messages get their numbers. */
  place(receiver: Uint8Array): PlaceRow {
    const find = (): PlaceRow | undefined => this.#sql['place']!.get(receiver) as PlaceRow | undefined
    const found = find()
    if (found !== undefined) return found
    this.#sql['addPlace']!.run(receiver)
    return find()!
  }

  /** Queues envelopes; answers where each stands. Refused where the number of the first is not the next. */
  add(place: number, envelopes: readonly NewEnvelope[]): Added[] {
    this.#requireNext(place, envelopes[0]!.first)
    const { serial: start } = this.#sql['outbox']!.get() as { serial: number }
    let serial = start
    const added = envelopes.map((envelope) => {
      const own = { id: this.#insert(place, envelope, serial), serial }
      serial += envelope.count
      return own
    })
    this.#sql['serials']!.run(serial - start)
    return added
  }

  /** Puts envelopes signed anew in the place of an older one. */
  replace(old: number, place: number, envelopes: readonly NewEnvelope[]): void {
    if (envelopes.length > 0) this.#requireNext(place, envelopes[0]!.first)
    if (this.#sql['moved']!.run(old).changes === 0) throw new Refused()
    this.#sql['dropItems']!.run(old)
    for (const envelope of envelopes) this.#insert(place, envelope, envelope.serial!)
  }

  #requireNext(place: number, first: number): void {
    const { last, closed } = this.#sql['placeById']!.get(place) as unknown as PlaceRow
    if (last + 1 !== first || closed !== null) throw new Refused()
  }

  #insert(place: number, envelope: NewEnvelope, serial: number): number {
    const { first, count, digest, statement, signature, at, length, lengths, items, file } = envelope
    const { lastInsertRowid: id } = this.#sql['add']!.run(place, first, count, serial, digest, signature, at, length, file)
    this.#sql['addContent']!.run(id, statement, lengths, items)
    this.#sql['number']!.run(first + count - 1, place)
    return Number(id)
  }

  /** Holds what the receiver says against what the outbox knows, and does what follows. */
  reconcile(start: SessionStart): Reconciled {
    return this.#reconciliation.run(start)
  }

  /** Opens a fresh place for a receiver: what has no receipt is signed anew there. */
  renew(receiver: Uint8Array): Reconciled {
    return this.#reconciliation.renew(receiver)
  }

  /** Envelopes of a place that are to be sent, from this number on; and why no more will come, once none is left. */
  pending(place: number, from: number): { rows: EnvelopeRow[]; over: Closed | null } {
    const { closed } = this.#sql['placeById']!.get(place) as unknown as PlaceRow
    const over = this.#sql['left']!.get(place) === undefined ? closed : null
    return { rows: page(this.#sql['pending']!.iterate(place, from)), over }
  }

  /** Whether anything before this number waits for its receipt. */
  waits(place: number, number: number): boolean {
    return this.#sql['waits']!.get(place, number) !== undefined
  }

  /** Whether the receiver has other envelopes at numbers of this place. */
  diverged(place: number): boolean {
    return this.#sql['diverged']!.get(place) !== undefined
  }

  /** Whether anything for this receiver waits for its receipt. */
  unsettled(receiver: Uint8Array): boolean {
    return this.#sql['unsettled']!.get(receiver) !== undefined
  }

  chainHead(place: number, journal: Uint8Array): { index: number; chain: Uint8Array } | undefined {
    const row = this.#sql['chain']!.get(place, journal) as { position: number; chain: Uint8Array } | undefined
    return row && { index: row.position, chain: row.chain }
  }

  /** The number of the last receipt: they count up, whichever process keeps them. */
  lastReceipt(): number {
    return (this.#sql['lastReceipt']!.get() as { id: number }).id
  }

  /** Whether this very receipt has come for an envelope that is decided. */
  holds(envelope: number, statement: Uint8Array): boolean {
    return this.#sql['holds']!.get(envelope, statement) !== undefined
  }

  /**
   * Keeps a receipt. It decides what becomes of its envelope, unless an earlier one has: a receiver of two sessions, or of two
   * journals, may answer twice, and the second word is evidence and nothing else.
   *
   * @returns the positions of those messages of its envelope that it is the last word on, null for all, and what it shows
   */
  settle({ envelope, journal, index, chain, outcome, statement, signature, at }: NewReceipt): Settled {
    const row = this.#sql['settled']!.get(envelope) as unknown as EnvelopeRow
    const dropped = this.droppedOf(envelope)
    if (decided(row)) {
      const held = this.holds(envelope, statement)
      if (!held) this.#sql['addReceipt']!.run(journal, index, chain, statement, signature, envelope)
      return { positions: row.again > 0 || row.moved > 0 ? dropped : null, found: undefined }
    }
    const again = this.#againAfter(outcome, envelope, row, dropped)
    this.#sql['addReceipt']!.run(journal, index, chain, statement, signature, envelope)
    this.#sql['settle']!.run(outcome, again, at, envelope)
    const behind = outcome === OUTCOME.conflict && this.#reconciliation.moveOn(row.receiver, row.place, 'OUTBOX_BEHIND')
    return { positions: again > 0 || row.moved > 0 ? dropped : null, found: behind ? 'OUTBOX_BEHIND' : undefined }
  }

  /** How the messages of an envelope are signed anew that has come to this. */
  #againAfter(outcome: number, envelope: number, { count, serial, moved }: EnvelopeRow, dropped: readonly number[]): number {
    // A receiver that was restored is sent the withdrawal again; the rest stands elsewhere already.
    if (moved > 0) return 0
    if (count > dropped.length && (outcome === OUTCOME.withdrawn || (outcome === OUTCOME.refused && count > 1))) return ALONE
    if (outcome !== OUTCOME.conflict) return 0
    // The same numbers were given twice, by an outbox that this one is an older copy of: it is signed anew elsewhere. Once: who
    // finds another conflict there does not tell the truth.
    const first = this.covering(serial).every((row) => row.id === envelope || row.outcome !== OUTCOME.conflict)
    return first ? TOGETHER : 0
  }

  /** The first envelope behind this one whose messages wait to be signed anew. */
  again(after: number): EnvelopeRow | undefined {
    return this.#sql['again']!.get(after) as EnvelopeRow | undefined
  }

  /** Drops a message: its envelope travels without its items. Answers false where it has a receipt already. */
  withdraw(serial: number): boolean {
    const row = this.covering(serial).at(-1)
    if (row === undefined || this.#sql['withdraw']!.run(row.id).changes === 0) return false
    this.#sql['drop']!.run(row.id, serial - row.serial)
    return true
  }

  droppedOf(envelope: number): number[] {
    return (this.#sql['dropped']!.all(envelope) as { position: number }[]).map(({ position }) => position)
  }

  /** The envelopes that have stood for this message, the present one last. */
  covering(serial: number): EnvelopeRow[] {
    return this.#sql['covering']!.all(serial, serial, serial) as unknown as EnvelopeRow[]
  }

  envelope(id: number): EnvelopeRow {
    return this.#sql['envelope']!.get(id) as unknown as EnvelopeRow
  }

  envelopes(after: number): EnvelopeRow[] {
    return page(this.#sql['envelopes']!.iterate(after))
  }

  receipts(after: number): ReceiptRow[] {
    return this.#sql['receipts']!.all(after) as unknown as ReceiptRow[]
  }

  receiptsOf(envelope: number): ReceiptRow[] {
    return this.#sql['receiptsOf']!.all(envelope) as unknown as ReceiptRow[]
  }

  /** Drops the bodies of settled messages that are older than this or, the oldest first, that are more than so many bytes. */
  prune(before: number, mostBytes: number): void {
    let { bytes } = this.#sql['heldBytes']!.get() as { bytes: number }
    const rows = this.#sql['held']!.all() as { id: number; settled_at: number; length: number; file: string | null }[]
    for (const { id, settled_at: at, length, file } of rows) {
      if (at >= before && bytes <= mostBytes) return
      bytes -= length
      this.#sql['dropBody']!.run(id)
      this.#sql['dropItems']!.run(id)
      if (file !== null) this.afterCommit(() => this.#files.remove(file))
    }
  }

  /** Drops files that belong to nothing, and that nobody has written to since then. */
  tidy(before: number): void {
    for (const file of this.#files.names()) {
      if (this.#sql['ofFile']!.get(file) !== undefined || (this.#files.touched(file) ?? 0) >= before) continue
      this.afterCommit(() => this.#files.remove(file))
    }
  }
}

/** Whether a receipt has said what becomes of an envelope, or its messages stand elsewhere: until then it may be kept from that. */
function decided({ outcome, moved }: EnvelopeRow): boolean {
  return outcome !== null && (outcome !== 0 || moved > 0)
}
