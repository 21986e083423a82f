/** What hooks have done: how far each one came with each sender, and the messages that were set aside. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'

/** A message that a hook could not hand on. */
export interface SetAside {
  readonly hook: string
  /** The message's id, as the hook was told it */
  readonly id: string
  readonly attempts: number
  /** What went wrong the last time */
  readonly why: string
  /** ms since 1970, UTC */
  readonly at: number
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS cursor (hook TEXT, sender TEXT, seq INTEGER NOT NULL, PRIMARY KEY (hook, sender)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS aside (hook TEXT, id TEXT, attempts INTEGER NOT NULL, why TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (hook, id)) STRICT;
`

export class HookLedger implements Disposable {
  readonly #database: DatabaseSync
  readonly #cursor: StatementSync
  readonly #advance: StatementSync

  constructor(path: string) {
    this.#database = new DatabaseSync(path)
    // A cursor that a power loss sets back costs a hook that runs again, which it may at any time.
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;')
    this.#database.exec(SCHEMA)
    this.#cursor = this.#database.prepare('SELECT seq FROM cursor WHERE hook = ? AND sender = ?')
    this.#advance = this.#database.prepare(
      'INSERT INTO cursor VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET seq = max(seq, excluded.seq)',
    )
  }

  /** The last message of a sender that a hook is done with; 0 for none. */
  cursor(hook: string, sender: string): number {
    return (this.#cursor.get(hook, sender)?.['seq'] ?? 0) as number
  }

  advance(hook: string, sender: string, seq: number): void {
    this.#advance.run(hook, sender, seq)
  }

  setAside(hook: string, id: string, { attempts, why, at }: Omit<SetAside, 'hook' | 'id'>): void {
    this.#database.prepare('INSERT OR REPLACE INTO aside VALUES (?, ?, ?, ?, ?)').run(hook, id, attempts, why, at)
  }

  aside(): SetAside[] {
    return this.#database.prepare('SELECT * FROM aside ORDER BY at, id').all() as unknown as SetAside[]
  }

  /** It was handed on after all, or is given up. */
  forget(hook: string, id: string): void {
    this.#database.prepare('DELETE FROM aside WHERE hook = ? AND id = ?').run(hook, id)
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}
