/** What hooks have done: how far each one came, and the messages that were set aside. */
import { equal } from '@countersign/core/protocol'
import type { StoredJournal } from '@countersign/store'
import { DatabaseSync } from 'node:sqlite'

/** A message that a hook could not hand on. */
export interface SetAside {
  readonly hook: string
  /** The message's id in the journal */
  readonly id: number
  readonly attempts: number
  /** What went wrong the last time */
  readonly why: string
  /** ms since 1970, UTC */
  readonly at: number
}

/** How far whoever runs a hook has come. */
export interface Progress {
  readonly hook: string
  readonly holder: string
  readonly sender: string
  readonly id: number
  readonly mark: number
}

/** Who runs a hook, and how often it has said so. */
export interface LeaseMark {
  readonly holder: string
  readonly beat: number
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS mark (hook TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS cursor (hook TEXT, sender TEXT, id INTEGER NOT NULL, PRIMARY KEY (hook, sender)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS aside (hook TEXT, id INTEGER, attempts INTEGER NOT NULL, why TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (hook, id)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS journal (id BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS lease (hook TEXT PRIMARY KEY, holder TEXT NOT NULL, beat INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`

/** SQLite's codes of what passes by itself: another process that writes, a disk that fails or is full. */
const PASSING: readonly number[] = [5, 10, 13]

/** Whether what a ledger has thrown is worth another try. */
export function passes(error: unknown): boolean {
  const { errcode } = error as { errcode?: number }
  return errcode !== undefined && PASSING.includes(errcode & 0xff)
}

export class HookLedger implements Disposable {
  readonly #database: DatabaseSync

  constructor(path: string) {
    // Said here, it counts for the mode too: whoever closes it last has it to himself for a moment.
    this.#database = new DatabaseSync(path, { timeout: 5000 })
    // What a power loss sets back costs a hook that runs again, which it may at any time.
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
    this.#database.exec(SCHEMA)
  }

  /**
   * Binds it to a journal. Where that is another than before, because it was made from a backup, hooks are done with no more than
   * the backup held: what comes behind that gets ids that other messages had.
   */
  follow({ id, restores }: Pick<StoredJournal, 'id' | 'restores'>): void {
    this.#transaction(() => {
      const known = this.#database.prepare('SELECT id FROM journal').get()?.['id'] as Uint8Array | undefined
      if (known !== undefined && equal(known, id)) return
      this.#database.exec('DELETE FROM journal')
      this.#database.prepare('INSERT INTO journal VALUES (?)').run(id)
      if (known === undefined) return
      const since = restores.slice(
        Math.max(
          0,
          restores.findIndex(({ former }) => equal(former, known)),
        ),
      )
      const held = since.length === 0 ? 0 : Math.min(...since.map(({ messages }) => messages))
      this.#database.prepare('UPDATE mark SET id = min(id, ?)').run(held)
      this.#database.prepare('UPDATE cursor SET id = min(id, ?)').run(held)
      this.#database.prepare('DELETE FROM aside WHERE id > ?').run(held)
    })
  }

  /** A hook begins behind this message, unless it has run before. */
  begin(hook: string, after: number): void {
    this.#database.prepare('INSERT OR IGNORE INTO mark VALUES (?, ?)').run(hook, after)
  }

  /** The message up to which a hook is done with all. */
  mark(hook: string): number {
    return (this.#database.prepare('SELECT id FROM mark WHERE hook = ?').get(hook)?.['id'] ?? 0) as number
  }

  /** The last message of a sender that a hook is done with; 0 for none. */
  cursor(hook: string, sender: string): number {
    return (this.#database.prepare('SELECT id FROM cursor WHERE hook = ? AND sender = ?').get(hook, sender)?.['id'] ??
      0) as number
  }

  /** Who runs a hook now. */
  lease(hook: string): LeaseMark | undefined {
    return this.#database.prepare('SELECT holder, beat FROM lease WHERE hook = ?').get(hook) as LeaseMark | undefined
  }

  /**
   * Gives a hook to one who wants to run it, where nobody has it.
   *
   * @param stale where somebody has it who has not been heard of since this mark, it is taken from him
   */
  claim(hook: string, holder: string, stale: LeaseMark | undefined): boolean {
    const claimed = this.#database
      .prepare(
        `INSERT INTO lease VALUES (?, ?, 1) ON CONFLICT (hook) DO UPDATE SET holder = excluded.holder, beat = 1
          WHERE holder = ? AND beat = ?`,
      )
      .run(hook, holder, stale?.holder ?? null, stale?.beat ?? null)
    return claimed.changes === 1
  }

  /** Whoever runs a hook is still there. @returns false where it was taken from him */
  renew(hook: string, holder: string): boolean {
    return (
      this.#database.prepare('UPDATE lease SET beat = beat + 1 WHERE hook = ? AND holder = ?').run(hook, holder).changes === 1
    )
  }

  release(hook: string, holder: string): void {
    this.#database.prepare('DELETE FROM lease WHERE hook = ? AND holder = ?').run(hook, holder)
  }

  /**
   * A hook is done with this message of a sender, and with all messages up to `mark`.
   *
   * @param aside where it could not hand it on
   * @returns false, and nothing is written, where the hook was taken from this holder meanwhile
   */
  advance({ hook, holder, sender, id, mark }: Progress, aside?: Pick<SetAside, 'attempts' | 'why' | 'at'>): boolean {
    return this.#transaction(() => {
      if (this.lease(hook)?.holder !== holder) return false
      this.#database.prepare('INSERT OR REPLACE INTO cursor VALUES (?, ?, ?)').run(hook, sender, id)
      this.#database.prepare('INSERT OR REPLACE INTO mark VALUES (?, ?)').run(hook, mark)
      if (aside) this.setAside({ hook, id, ...aside })
      return true
    })
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  setAside({ hook, id, attempts, why, at }: SetAside): void {
    this.#database.prepare('INSERT OR REPLACE INTO aside VALUES (?, ?, ?, ?, ?)').run(hook, id, attempts, why, at)
  }

  /** What was set aside, by its time. */
  aside(): SetAside[] {
    return this.#database.prepare('SELECT * FROM aside ORDER BY at, id').all() as unknown as SetAside[]
  }

  /** It was handed on after all, or is given up. */
  forget({ hook, id }: Pick<SetAside, 'hook' | 'id'>): void {
    this.#database.prepare('DELETE FROM aside WHERE hook = ? AND id = ?').run(hook, id)
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}
