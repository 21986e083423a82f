/** SQLite alone: the same bytes inserted into a table, durably, with nobody else in between. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Contender } from '../harness/contender.ts'

/** Rows of one moment share a commit, up to so many. */
export function sqlite(rowsPerCommit: number): Contender {
  return {
    about: `node:sqlite, WAL, synchronous=FULL, ${rowsPerCommit} rows to a commit, one process`,
    serve: () => Promise.resolve({ port: 0, close: () => Promise.resolve() }),
    dial({ folder }) {
      const database = new DatabaseSync(join(folder, 'rows.sqlite'))
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
      database.exec('CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT')
      const insert = database.prepare('INSERT INTO rows (body) VALUES (?)')
      let waiting: (readonly [Uint8Array, () => void])[] = []
      const commit = (): void => {
        const batch = waiting.splice(0, rowsPerCommit)
        database.exec('BEGIN')
        for (const [body] of batch) insert.run(body)
        database.exec('COMMIT')
        if (waiting.length > 0) setImmediate(commit)
        for (const [, acknowledged] of batch) acknowledged()
      }
      return Promise.resolve({
        post(body, acknowledged) {
          waiting.push([body, acknowledged])
          if (waiting.length === 1) setImmediate(commit)
        },
        close() {
          waiting = []
          database.close()
          return Promise.resolve()
        },
      })
    },
  }
}
