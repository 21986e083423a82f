/** Journals that somebody edited by hand: each is caught, and the row is named. */
import { DatabaseSync } from 'node:sqlite'
import { generatePrivateKey, type Identity, identity } from '@countersign/core'
import { equal, MESSAGE_TYPE, pae, RECEIPT_TYPE, type SignedStatement } from '@countersign/core/protocol'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exportEvidence, type JournalFault, openJournal, openOutbox, receiptEvidence, receiptsIn } from '../src/index.ts'
import { all, alice, bob, dial, faultsOf, folder, keyOf, serve } from './parties.ts'

type Path = (...names: string[]) => string

const original = mkdtempSync(join(tmpdir(), 'countersign-store-'))
afterAll(() => rmSync(original, { recursive: true }))

/** A journal of five envelopes: the fourth of two messages, the fifth of one long one; and its sender's receipts as evidence. */
function written(): Path {
  const path = folder()
  cpSync(original, path(), { recursive: true })
  return path
}

beforeAll(async () => {
  const path: Path = (...names) => join(original, ...names)
  const journal = await openJournal(path('journal'))
  const outbox = await openOutbox(path('outbox'), { identity: alice })
  const server = await serve(journal)
  const client = dial(server, { outbox })
  for (const text of ['1', '2', '3']) await (await client.send(text)).receipt
  await Promise.all([client.send('4'), client.send('5')])
  await client.send(Buffer.alloc(1_200_000))
  await client.close()
  await server.close()
  for await (const receipt of outbox.receipts()) {
    const [evidence] = receiptEvidence(receipt)
    await exportEvidence(path('receipts', `${receipt.id}`), evidence!, { keyOf: keyOf() })
  }
  await outbox.close()
  await journal.close()
})

async function verified(path: Path, expecting = false): Promise<JournalFault[]> {
  const journal = await openJournal(path('journal'))
  const options = { keyOf: keyOf(), ...(expecting && { expect: receiptsIn(path('receipts')) }) }
  const faults = await all(journal.verify(options))
  await journal.close()
  return faults
}

function edit(path: Path, ...statements: readonly string[]): void {
  const database = new DatabaseSync(path('journal'))
  for (const sql of statements) database.exec(sql)
  database.close()
}

test('a journal as it was written has no fault, and tells how far its walk is', async () => {
  const path = written()
  expect(await verified(path, true)).toEqual([])
  const journal = await openJournal(path('journal'))
  const seen: number[] = []
  expect(await all(journal.verify({ keyOf: keyOf(), onProgress: ({ entries, total }) => seen.push(entries / total) }))).toEqual(
    [],
  )
  expect(seen).toEqual([0.2, 0.4, 0.6, 0.8, 1])
  await journal.close()
})

test('a place of somebody else’s journal is none of this one, whoever has signed it', async () => {
  const journal = await openJournal(written()('journal'))
  const whose = (own: Identity) => all(journal.verify({ keyOf: keyOf(), ours: (keyId) => equal(keyId, own.publicKey.id) }))
  expect(await whose(bob)).toEqual([])
  const faults = [1, 2, 3, 4, 5].flatMap((entry) => [
    { entry, part: 'message', what: 'it was sent to somebody else' },
    { entry, part: 'receipt', what: 'somebody else has given it' },
  ])
  expect(await whose(alice)).toEqual(faults)
  await journal.close()
})

test.each([
  ['a body', `UPDATE entry SET items = CAST(replace(CAST(items AS TEXT), '2', 'Z') AS BLOB) WHERE id = 2`, [2], 'item'],
  [
    'a message statement',
    `UPDATE entry SET statement = CAST(substr(statement, 1, 131) || iif(substr(statement, 132) = X'00', X'01', X'00') AS BLOB) WHERE id = 3`,
    [3],
    'message signature',
  ],
  ['a message signature', `UPDATE entry SET signature = zeroblob(64) WHERE id = 1`, [1], 'message signature'],
  ['a receipt signature', `UPDATE entry SET receipt_signature = zeroblob(64) WHERE id = 1`, [1], 'receipt signature'],
  [
    'a receipt',
    `UPDATE entry SET receipt = CAST(substr(receipt, 1, 157) || zeroblob(32) AS BLOB) WHERE id = 3`,
    [3],
    'receipt signature',
  ],
  ['a digest', `UPDATE entry SET digest = zeroblob(32) WHERE id = 3`, [3], 'row'],
  ['a count of messages', `UPDATE entry SET messages = 2 WHERE id = 3`, [3], 'row'],
] as const)('%s that was changed', async (_, sql, rows, part) => {
  const path = written()
  edit(path, sql)
  const faults = await verified(path)
  expect(faults.some((fault) => rows.includes(fault.entry as never) && fault.part === part)).toBe(true)
  expect(faults[0]!.entry).toBe(rows[0])
})

test('a row that was removed', async () => {
  const path = written()
  edit(path, 'DELETE FROM entry WHERE id = 3')
  const faults = await verified(path)
  expect(faults[0]).toEqual({ entry: 3, part: 'row', what: 'it is missing' })
  expect(faults.filter(({ entry }) => entry === 4).map(({ part }) => part)).toEqual(['row', 'number', 'chain'])
})

test('a row that was removed, and all behind it moved up', async () => {
  const path = written()
  edit(
    path,
    'DELETE FROM entry WHERE id = 3',
    'UPDATE entry SET id = id - 1, serial = serial - 1 WHERE id > 3',
    'UPDATE place SET last = last - 1, receipts = receipts - 1',
  )
  const faults = await verified(path)
  expect(faults.filter(({ entry }) => entry === 3).map(({ part }) => part)).toEqual(['number', 'chain'])
})

test('rows that were put in another order', async () => {
  const path = written()
  edit(
    path,
    'UPDATE entry SET id = 99 WHERE id = 2',
    'UPDATE entry SET id = 2, serial = 2 WHERE id = 3',
    'UPDATE entry SET id = 3, serial = 3 WHERE id = 99',
  )
  const faults = await verified(path)
  expect(faults.filter(({ entry }) => entry === 2).map(({ part }) => part)).toEqual(['number', 'chain'])
  expect(faults.filter(({ entry }) => entry === 3).map(({ part }) => part)).toEqual(['number', 'chain'])
})

test('a row that was signed again with another key', async () => {
  const path = written()
  const mallory = identity(generatePrivateKey())
  const database = new DatabaseSync(path('journal'))
  const row = database.prepare('SELECT statement, receipt FROM entry WHERE id = 2').get() as {
    statement: Uint8Array
    receipt: Uint8Array
  }
  const resign = database.prepare('UPDATE entry SET signature = ?, receipt_signature = ? WHERE id = 2')
  resign.run(await mallory.sign(pae(MESSAGE_TYPE, row.statement)), await mallory.sign(pae(RECEIPT_TYPE, row.receipt)))
  database.close()
  const faults = await verified(path)
  expect(faults.map(({ entry, part }) => [entry, part])).toEqual([
    [2, 'message signature'],
    [2, 'receipt signature'],
    [2, 'chain'],
  ])
})

test('an end that was cut off is seen by the place, or where that was changed too by the receipts that senders hold', async () => {
  const path = written()
  edit(path, 'DELETE FROM entry WHERE id = 5')
  expect((await verified(path)).map(({ entry, part }) => [entry, part])).toEqual([
    [undefined, 'end'],
    [undefined, 'end'],
  ])
  const database = new DatabaseSync(path('journal'))
  const { receipt } = database.prepare('SELECT receipt FROM entry WHERE id = 4').get() as { receipt: Uint8Array }
  database.prepare('UPDATE place SET last = 5, receipts = 4, chain = ?').run(receipt.subarray(-32))
  database.close()
  expect(await verified(path)).toEqual([])
  const [fault, ...others] = await verified(path, true)
  expect(others).toEqual([])
  expect(fault).toMatchObject({ part: 'end', what: expect.stringContaining('number 6, index 5') })
})

test('a long item whose file was changed, or is gone', async () => {
  const path = written()
  const [file] = readdirSync(path('journal-items'))
  writeFileSync(path('journal-items', file!), Buffer.alloc(1_200_000, 1))
  expect(await verified(path)).toMatchObject([{ entry: 5, part: 'item' }])
  rmSync(path('journal-items', file!))
  expect(await verified(path)).toMatchObject([{ entry: 5, part: 'item', what: expect.stringContaining('no such file') }])
})

test('a key that is not known', async () => {
  const path = written()
  const journal = await openJournal(path('journal'))
  const faults = await all(
    journal.verify({ keyOf: (id) => (Buffer.compare(id, bob.publicKey.id) === 0 ? bob.publicKey : undefined) }),
  )
  expect(faults).toHaveLength(5)
  expect(faults[0]).toMatchObject({ entry: 1, part: 'message signature', what: expect.stringContaining('is not known') })
  expect(await faultsOf(journal)).toEqual([])
  await journal.close()
})

test('receipts to hold it against that are damaged, or are forged, are not passed over', async () => {
  const path = written()
  const receipt = path('receipts', '3', 'receipt.pae')
  const whole = readFileSync(receipt)
  for (const at of [0, 200]) {
    const changed = Buffer.from(whole)
    changed[at]! ^= 1
    writeFileSync(receipt, changed)
    await expect(verified(path, true)).rejects.toMatchObject({ code: 'BAD_SIGNATURE' })
  }
  writeFileSync(receipt, whole)
  expect(await verified(path, true)).toEqual([])
  const mallory = identity(generatePrivateKey())
  const journal = await openJournal(path('journal'))
  const forged = async function* (): AsyncGenerator<SignedStatement> {
    for await (const { statement } of receiptsIn(path('receipts')))
      yield { statement, signature: await mallory.sign(pae(RECEIPT_TYPE, statement)) }
  }
  await expect(all(journal.verify({ keyOf: keyOf(), expect: forged() }))).rejects.toMatchObject({ code: 'BAD_SIGNATURE' })
  await journal.close()
})
