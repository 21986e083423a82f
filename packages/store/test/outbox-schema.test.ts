import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../src/database.ts'
import { OUTBOX_SCHEMA } from '../src/outbox-schema.ts'
import { OutboxTables } from '../src/outbox-tables.ts'

test('an outbox of the first version keeps all that it holds, and what it no longer holds', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-outbox-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'outbox.db')
  const old = openDatabase(file, { ...OUTBOX_SCHEMA, migrations: OUTBOX_SCHEMA.migrations.slice(0, 1) })
  old.exec(`
    INSERT INTO place (id, receiver, outbox, last) SELECT 1, x'0a', id, 4 FROM outbox;
    INSERT INTO envelope (place, first, count, serial, digest, statement, signature, queued_at, length, lengths, items, file, outcome, settled_at)
    VALUES
      (1, 1, 2, 1, x'01', x'a1', x'b1', 5, 3, x'0000000100000002', x'112233', NULL, NULL, NULL),
      (1, 3, 1, 3, x'02', x'a2', x'b2', 6, 9, NULL, NULL, 'long', 1, 7),
      (1, 4, 1, 4, x'03', x'a3', x'b3', 7, 1, NULL, NULL, NULL, 1, 7);
  `)
  old.close()

  const tables = new OutboxTables(file)
  const [short, long, dropped] = tables.envelopes(0)
  const { rows } = tables.pending(1, 1)
  expect(rows).toEqual([short])
  expect(short).toMatchObject({
    first: 1,
    count: 2,
    statement: bytes(0xa1),
    signature: bytes(0xb1),
    items: bytes(0x11, 0x22, 0x33),
  })
  expect(short!.lengths).toEqual(bytes(0, 0, 0, 1, 0, 0, 0, 2))
  expect(long).toMatchObject({ first: 3, statement: bytes(0xa2), items: null, file: 'long' })
  expect(dropped).toMatchObject({ first: 4, statement: bytes(0xa3), items: null, file: null })
  tables.prune(8, 0)
  expect(tables.envelopes(0).map(({ items, file }) => [items, file])).toEqual([
    [bytes(0x11, 0x22, 0x33), null],
    [null, null],
    [null, null],
  ])
  tables.close()
})

function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values)
}
