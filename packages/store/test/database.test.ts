import { statSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, test } from 'vitest'
import { openDatabase, type Schema } from '../src/database.ts'
import { openJournal, openOutbox } from '../src/index.ts'
import { alice, folder } from './parties.ts'

const one: Schema = { name: 'thing', application: 7, migrations: ['CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1)'] }
const two: Schema = { ...one, migrations: [...one.migrations, 'ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1'] }

describe('a database', () => {
  test('has every setting that durability rests on', () => {
    const database = openDatabase(folder()('a'), one)
    const pragma = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0]
    expect(pragma('journal_mode')).toBe('wal')
    expect(pragma('synchronous')).toBe(2)
    expect(pragma('foreign_keys')).toBe(1)
    expect(pragma('busy_timeout')).toBe(10_000)
    expect(pragma('application_id')).toBe(7)
    database.close()
  })

  test('is for its owner alone, and so is what SQLite puts beside it', () => {
    const path = folder()
    const database = openDatabase(path('a'), one)
    for (const file of ['a', 'a-wal', 'a-shm']) expect(statSync(path(file)).mode & 0o777).toBe(0o600)
    database.close()
  })

  test('of an older version is brought to the present one, with what it holds', () => {
    const file = folder()('a')
    openDatabase(file, one).close()
    const database = openDatabase(file, two)
    expect({ ...database.prepare('SELECT x, y FROM a').get() }).toEqual({ x: 1, y: 2 })
    database.close()
    openDatabase(file, two).close()
  })

  test('of a newer version is left alone', () => {
    const file = folder()('a')
    openDatabase(file, two).close()
    expect(() => openDatabase(file, one)).toThrow('its version 2 is known to newer releases alone')
    openDatabase(file, two).close()
  })

  test('of a migration that fails stays as it was', () => {
    const file = folder()('a')
    openDatabase(file, one).close()
    const broken = { ...one, migrations: [...one.migrations, 'CREATE TABLE b (x INTEGER) STRICT; SELECT x FROM nowhere'] }
    expect(() => openDatabase(file, broken)).toThrow('no such table: nowhere')
    const database = openDatabase(file, one)
    expect(database.prepare(`SELECT name FROM sqlite_schema WHERE name = 'b'`).all()).toEqual([])
    database.close()
  })
})

describe('a file of another kind is refused, and not changed', () => {
  test('an outbox where a journal should be', async () => {
    const file = folder()('a')
    await (await openOutbox(file, { identity: alice })).close()
    await expect(openJournal(file)).rejects.toMatchObject({
      code: 'STORAGE',
      message: expect.stringContaining('it is no journal'),
    })
    await (await openOutbox(file, { identity: alice })).close()
  })

  test('somebody else’s database', async () => {
    const file = folder()('a')
    const other = new DatabaseSync(file)
    other.exec('CREATE TABLE cats (name TEXT)')
    other.close()
    await expect(openJournal(file)).rejects.toMatchObject({ code: 'STORAGE' })
    const again = new DatabaseSync(file)
    expect(
      again
        .prepare('SELECT name FROM sqlite_schema')
        .all()
        .map((row) => row['name']),
    ).toEqual(['cats'])
    again.close()
  })

  test('something that is no database at all', async () => {
    const file = folder()('a')
    writeFileSync(file, 'Dear diary, today I learned about write-ahead logs. '.repeat(100))
    await expect(openJournal(file)).rejects.toMatchObject({ code: 'STORAGE', message: expect.stringContaining('not a database') })
  })

  test('a file in a folder that does not exist', async () => {
    await expect(openJournal(folder()('no', 'where'))).rejects.toMatchObject({ code: 'STORAGE' })
  })
})
