/** A receiver's journal on SQLite. */
import type { Entry, Head, Journal, Place, Spool } from '@countersign/core'
import { concat, EMPTY_HEAD, NO_POSITION, OUTCOME, ownsBuffer } from '@countersign/core/protocol'
import { openAsBlob } from 'node:fs'
import { resolve } from 'node:path'
import { backupJournal, type CopyOptions } from './backup.ts'
import { inThread } from './desk.ts'
import { itemFolder } from './item-files.ts'
import type { Restored } from './journal-copy.ts'
import type { Held, Hold, Noticed, Usage } from './journal-rows.ts'
import type { JournalTables } from './journal-tables.ts'
import { type JournalFault, verifyJournal, type JournalVerifyOptions } from './journal-verify.ts'
import { JournalReader, type ReadOptions } from './journal-reader.ts'
import { readInTurns, type StoredEntry, type StoredMessage, writeLengths } from './stored-message.ts'
import type { Remote } from './tables.ts'
import { give, Writer } from './writer.ts'

/** What a journal keeps besides receipts and bodies. */
export interface JournalOptions {
  /** How long an unfinished long item is kept, in ms; 7 days where it is not said. */
  readonly keepPartials?: number
  /** Told of what the operator has to know. */
  readonly onNotice?: (notice: JournalNotice) => void
}

/** What a journal found out about a sender that its operator has to know. */
export interface JournalNotice {
  /**
   * SERVER_REGRESSED: it came for the first time since this journal was restored; it is told the same, and sends again what it
   * had receipts for. MESSAGE_CONFLICT: it signed two things under one number; its outbox was restored, or copied.
   */
  readonly code: 'SERVER_REGRESSED' | 'MESSAGE_CONFLICT'
  /** The keyId of the oldest key of its chain. */
  readonly sender: Uint8Array
  readonly outbox: Uint8Array
  /** The number from which on it sends, or under which there are two. */
  readonly number: number
  /** Whether it goes on at another outbox id than those of the backup: what it no longer held is not sent again. */
  readonly elsewhere: boolean
}

/** A backup that was made into this journal. */
export interface Restore {
  readonly at: Date
  /** The id of the journal that the backup is of. */
  readonly former: Uint8Array
  /** What it held. */
  readonly entries: number
  readonly messages: number
}

/** Which bodies a journal need not keep any longer. */
export interface PruneOptions {
  /** Messages that came before then lose their bodies; none by their age where it is not said. */
  readonly before?: Date
  /** As many bytes of bodies are left, at the most. */
  readonly mostBytes?: number
  /** Told what is dropped so far. */
  readonly onProgress?: (done: { readonly messages: number; readonly bytes: number }) => void
}

const DAY = 24 * 60 * 60 * 1000

/**
 * Opens a journal, and makes it where the file is missing. Long items stand in the folder FILE-items.
 *
 * Several processes may have it open: the check of every place is part of the transaction that writes.
 *
 * @throws LocalError STORAGE; BACKUP where it is a backup, which has to be restored first
 */
export async function openJournal(
  file: string,
  { keepPartials = 7 * DAY, onNotice }: JournalOptions = {},
): Promise<StoredJournal> {
  const path = resolve(file)
  const writer = new Writer<JournalTables>(path, inThread({ kind: 'journal', file: path }))
  try {
    const [id, restores] = await Promise.all([writer.remote.id(), writer.remote.restores()])
    await writer.remote.tidy(Date.now() - keepPartials)
    return new StoredJournal(path, id, restores.map(plain), writer, onNotice)
  } catch (error) {
    await writer.close()
    throw error
  }
}

function plain({ at, former, entries, messages }: Restored): Restore {
  return { at: new Date(at), former, entries, messages }
}

/** A journal that survives power loss: its receipts say "stored". */
export class StoredJournal implements Journal, AsyncDisposable {
  readonly id: Uint8Array
  readonly durable = true
  readonly file: string
  /** Each time that it was made from a backup, the last one last. */
  readonly restores: readonly Restore[]
  readonly #onNotice: JournalOptions['onNotice']
  readonly #writer: Writer<JournalTables>
  readonly #tables: Remote<JournalTables>
  readonly #reader: JournalReader

  /** @internal For `openJournal` alone. */
  constructor(
    file: string,
    id: Uint8Array,
    restores: readonly Restore[],
    writer: Writer<JournalTables>,
    onNotice: JournalOptions['onNotice'],
  ) {
    this.file = file
    this.id = id
    this.restores = restores
    this.#onNotice = onNotice
    this.#writer = writer
    this.#tables = writer.remote
    this.#reader = new JournalReader(itemFolder(file), writer.remote)
  }

  /** Where a place stands, also by what other processes have appended. */
  async head(place: Place): Promise<Head> {
    const state = await this.#tables.head(place)
    if (state === undefined) return EMPTY_HEAD
    const { last, receipts, chain, conflicts, partial } = state
    return { position: { ...NO_POSITION, next: last + 1, ...partial }, index: receipts, chain, conflicts }
  }

  async find(place: Place, digest: Uint8Array): ReturnType<Journal['find']> {
    return this.#tables.find(place, digest)
  }

  /**
   * Keeps a receipt and what it is for; those that wait share a commit.
   *
   * @throws LocalError PLACE_MOVED, STORAGE
   */
  async append({ place, message, messageStatement, receipt, receiptStatement, next, items }: Entry): Promise<void> {
    const { index, chain, digest, outcome, receivedAt } = receiptStatement
    const spool = items instanceof JournalSpool ? items : undefined
    const whole = spool === undefined ? (items as readonly Uint8Array[]) : []
    const noticed = await this.#tables.append({
      place,
      last: next - 1,
      index,
      chain,
      conflict: outcome === OUTCOME.conflict,
      messages: outcome === OUTCOME.stored ? messageStatement.leaves.length / 32 : 0,
      digest,
      statement: message.statement,
      signature: message.signature,
      receipt: receipt.statement,
      receiptSignature: receipt.signature,
      receivedAt,
      ...writeLengths(spool === undefined ? whole.map(({ length }) => length) : [spool.length]),
      items: whole.length > 0 ? give(concat(...whole)) : null,
      held: spool?.hold ?? null,
    })
    this.#reader.wake()
    if (noticed !== undefined) this.#notice(noticed, place, messageStatement.first)
  }

  #notice(noticed: Noticed, { sender, outbox }: Place, number: number): void {
    const code = noticed === 'conflict' ? 'MESSAGE_CONFLICT' : 'SERVER_REGRESSED'
    this.#onNotice?.({ code, sender, outbox, number, elsewhere: noticed === 'returned elsewhere' })
  }

  async spool(place: Place, digest: Uint8Array, length: number): Promise<Spool> {
    return new JournalSpool(this.#tables, await this.#tables.hold(place, digest, length), itemFolder(this.file))
  }

  dropPartial(place: Place): Promise<void> {
    return this.#tables.dropPartial(place)
  }

  /** The messages that are stored, in the order in which they came. */
  messages(options?: ReadOptions): AsyncGenerator<StoredMessage> {
    return this.#reader.messages(options)
  }

  /** The message of this serial, where there is one. */
  message(serial: number): Promise<StoredMessage | undefined> {
    return this.#reader.message(serial)
  }

  /** Every receipt, and what it is for, in the order in which they were given. */
  entries(options?: ReadOptions): AsyncGenerator<StoredEntry> {
    return this.#reader.entries(options)
  }

  /** How many entries and messages there are; the latter is the last message's serial. */
  size(): Promise<{ entries: number; messages: number }> {
    return this.#tables.bounds()
  }

  /** Places of the backup that it was made from last whose senders have not been heard of since. */
  unheard(): Promise<number> {
    return this.#tables.unheard()
  }

  /**
   * What a sender, by the keyId of the oldest key of its chain, takes up.
   *
   * @param outbox a place of its: then the places that were there before that one, and partials and bytes but its partial's
   */
  usage(sender: Uint8Array, outbox?: Uint8Array): Promise<Usage> {
    return this.#tables.usage(sender, outbox ?? null)
  }

  /**
   * Drops bodies, the oldest first. Statements, signatures, receipts and chain stay.
   *
   * @returns how many messages lost their bodies, of how many bytes
   */
  async prune({ before, mostBytes = Infinity, onProgress }: PruneOptions): Promise<{ messages: number; bytes: number }> {
    const all = { messages: 0, bytes: 0 }
    for (let more = true; more;) {
      const pruned = await this.#tables.prune(before?.getTime() ?? 0, Math.min(mostBytes, Number.MAX_SAFE_INTEGER))
      all.messages += pruned.messages
      all.bytes += pruned.bytes
      more = pruned.more
      onProgress?.(all)
    }
    await this.#tables.shrink()
    return all
  }

  /**
   * Walks the whole journal as it stands now: every signature, leaf, number and link of the chains.
   *
   * @returns every fault, as it is found; none where the journal is whole
   */
  async *verify(options: JournalVerifyOptions): AsyncGenerator<JournalFault> {
    const snapshot = await this.#tables.snapshot()
    yield* verifyJournal({ ...snapshot, id: this.id, rows: this.#reader.rows(), pathOf: this.#reader.pathOf }, options)
  }

  /** Copies the journal as it stands now: to FILE and the folder FILE-items. @throws LocalError STORAGE */
  backup(file: string, options?: CopyOptions): Promise<void> {
    return backupJournal(this.file, file, options)
  }

  /** Commits what is under way, then lets go of the files. */
  async close(): Promise<void> {
    this.#reader.close()
    await this.#writer.close()
  }

  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** One long item on its way into the journal. */
class JournalSpool implements Spool {
  readonly hold: Hold
  readonly length: number
  offset: number
  readonly #tables: Remote<JournalTables>
  readonly #path: string
  readonly #itemPath: string

  constructor(tables: Remote<JournalTables>, { length, offset, path, ...hold }: Hold & Held, folder: string) {
    this.#tables = tables
    this.hold = hold
    this.length = length
    this.offset = offset
    this.#path = path
    this.#itemPath = `${folder}/${hold.file}.item`
  }

  async *read(): AsyncGenerator<Uint8Array> {
    yield* readInTurns(this.#path, 0, this.offset)
  }

  async write(pieces: readonly Uint8Array[]): Promise<void> {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
    await this.#tables.write(
      this.hold,
      pieces.map((piece) => (ownsBuffer(piece) ? give(piece) : piece)),
    )
    this.offset += length
  }

  suspend(): Promise<void> {
    return this.#tables.suspend(this.hold)
  }

  async discard(): Promise<void> {
    await this.#tables.discard(this.hold)
    this.offset = 0
  }

  blob(): Promise<Blob> {
    return openAsBlob(this.#itemPath)
  }
}
