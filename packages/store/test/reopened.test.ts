import { statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openDatabase } from '../src/database.ts'
import { folder } from './parties.ts'

test('a database that is opened again is not written to: it can be read where the disk is full', () => {
  const schema = { name: 'thing', application: 7, migrations: ['CREATE TABLE a (x INTEGER) STRICT'] }
  const file = folder()('a')
  openDatabase(file, schema).close()
  using database = openDatabase(file, schema)
  expect(database.prepare('PRAGMA auto_vacuum').get()).toEqual({ auto_vacuum: 2 })
  expect(statSync(`${file}-wal`).size).toBe(0)
})
