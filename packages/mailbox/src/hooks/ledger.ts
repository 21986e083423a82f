/** What hooks have done: how far each one came, and the messages that were set aside. */
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

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS mark (hook TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS cursor (hook TEXT, sender TEXT, id INTEGER NOT NULL, PRIMARY KEY (hook, sender)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS aside (hook TEXT, id INTEGER, attempts INTEGER NOT NULL, why TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (hook, id)) STRICT, WITHOUT ROWID;
`

export class HookLedger implements Disposable {
  readonly #database: DatabaseSync

  constructor(path: string) {
    this.#database = new DatabaseSync(path)
    // What a power loss sets back costs a hook that runs again, which it may at any time.
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;')
    this.#database.exec(SCHEMA)
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

  /** A hook is done with this message of a sender, and with all messages up to `mark`. */
  advance(hook: string, sender: string, id: number, mark: number): void {
    this.#database.prepare('INSERT OR REPLACE INTO cursor VALUES (?, ?, ?)').run(hook, sender, id)
    this.#database.prepare('INSERT OR REPLACE INTO mark VALUES (?, ?)').run(hook, mark)
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
