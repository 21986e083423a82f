/** Opening a database: every setting that durability rests on is made here, and nowhere else. */
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Refused } from './refused.ts'

/** What a kind of database holds, from its first version to the present one. */
export interface Schema {
  /** What people call it. */
  readonly name: string
  /** Marks the file as one of this kind: the database header's application id. */
  readonly application: number
  /** Marks a backup of one in the same way: who went on with it as it is would go on with numbers that were given already. */
  readonly backup?: number
  /** SQL that leads from each version to the next; the version is their count. */
  readonly migrations: readonly string[]
}

/** The first release of SQLite whose write-ahead log is never reset while another connection still reads it. */
const LEAST_SQLITE = [3, 51, 3] as const

/** What SQLite calls the mode in which dropped pages are given back when it is told to. */
const INCREMENTAL = 2

/** Bytes of a page of a new database: envelopes are long, and each page costs four calls of the system on its way to its place. */
const PAGE = 16 * 1024

/** How long a transaction waits for that of another process, in ms. */
const BUSY_TIMEOUT = 10_000

/**
 * Opens a database, makes it where the file is missing, and brings it to the present version.
 *
 * @param backupToo whether it may be a backup
 * @throws Error that names the file; Refused BACKUP
 */
export function openDatabase(file: string, schema: Schema, backupToo = false): DatabaseSync {
  requireSqlite()
  let database: DatabaseSync | undefined
  try {
    makePrivateFile(file)
    database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT })
    // Said again it would write, and so fail on a full disk.
    if (pragma(database, 'auto_vacuum') !== INCREMENTAL)
      database.exec(`PRAGMA page_size = ${PAGE}; PRAGMA auto_vacuum = INCREMENTAL`)
    // A transaction is durable when its COMMIT returns: the log is written and fsynced first.
    const { journal_mode: mode } = database.prepare('PRAGMA journal_mode = WAL').get() as { journal_mode: string }
    if (mode !== 'wal') throw new Error(`its write-ahead log cannot be had: journal mode ${mode}`)
    database.exec('PRAGMA synchronous = FULL')
    database.exec('PRAGMA foreign_keys = ON')
    database.exec('PRAGMA trusted_schema = OFF')
    migrate(database, schema, backupToo)
    return database
  } catch (cause) {
    database?.close()
    if (cause instanceof Refused) throw cause
    throw new Error(`${schema.name} ${file}: ${(cause as Error).message}`, { cause })
  }
}

function requireSqlite(): void {
  const found = process.versions['sqlite'] ?? 'none'
  const parts = found.split('.').map(Number)
  const other = LEAST_SQLITE.findIndex((least, i) => parts[i] !== least)
  if (other >= 0 && !(parts[other]! > LEAST_SQLITE[other]!)) {
    throw new Error(`SQLite ${found}, where at least ${LEAST_SQLITE.join('.')} is needed`)
  }
}

/** Makes an empty file for a database, where there is none: SQLite gives its other files the mode of this one. */
export function makePrivateFile(file: string): void {
  closeSync(openSync(file, 'a', 0o600))
  fsyncFolder(dirname(file))
}

/** Makes new names in a folder survive a power loss. */
export function fsyncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function migrate(database: DatabaseSync, { name, application, backup, migrations }: Schema, backupToo: boolean): void {
  const found = pragma(database, 'application_id')
  if (found === backup && !backupToo) throw new Refused('BACKUP')
  const marks = found === backup ? backup : application
  if (found === marks && pragma(database, 'user_version') === migrations.length) return
  database.exec('BEGIN IMMEDIATE')
  const version = pragma(database, 'user_version')
  const { tables } = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number }
  if (pragma(database, 'application_id') !== marks && (found !== 0 || tables > 0)) throw new Error(`it is no ${name}`)
  if (version > migrations.length) throw new Error(`its version ${version} is known to newer releases alone`)
  for (const sql of migrations.slice(version)) database.exec(sql)
  database.exec(`PRAGMA application_id = ${marks}`)
  database.exec(`PRAGMA user_version = ${migrations.length}`)
  database.exec('COMMIT')
}

function pragma(database: DatabaseSync, name: 'application_id' | 'auto_vacuum' | 'user_version'): number {
  return database.prepare(`PRAGMA ${name}`).get()![name] as number
}
