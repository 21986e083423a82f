/** What was changed by hand, in a journal or in evidence, is named by the programs, which end with 13. */
import { generatePrivateKey, identity } from '@countersign/core'
import { MESSAGE_TYPE, pae, RECEIPT_TYPE } from '@countersign/core/protocol'
import { hasTerminals, type Home, type Outcome, run, Sandbox, startInTerminal } from '@countersign/testing'
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let sandbox: Sandbox
let home: Home
let client: Home
let journal: string
/** The evidence that the client has of its messages. */
let receipts: string

/** A server that has received five messages, and has stopped. */
beforeAll(async () => {
  sandbox = new Sandbox()
  const pair = sandbox.pair()
  home = pair.server
  client = pair.client
  journal = join(home.root, 'state/server/journal.db')
  receipts = join(client.root, 'receipts')
  const { server, at } = await sandbox.serve(home)
  for (const text of ['one', 'two', 'three', 'four', 'five']) await run('client', ['send', text, ...at], { root: client.root })
  await server.stop()
  await run('client', ['receipts', 'export', 'all', receipts], { root: client.root })
  cpSync(journal, `${journal}.whole`)
})
afterAll(() => sandbox[Symbol.asyncDispose]())

function program(...words: string[]): Promise<Outcome> {
  return run('server', words, { root: home.root })
}

/** Verifies the journal as it is once this is done to it; it is whole again afterwards. */
async function verifiedAfter(edit: (database: DatabaseSync) => unknown, ...words: string[]): Promise<Outcome> {
  const database = new DatabaseSync(journal)
  await edit(database)
  database.close()
  try {
    return await program('inbox', 'verify', ...words)
  } finally {
    cpSync(`${journal}.whole`, journal)
  }
}

async function signAgain(database: DatabaseSync): Promise<void> {
  const mallory = identity(generatePrivateKey())
  const row = database.prepare('SELECT statement, receipt FROM entry WHERE id = 3').get() as Record<string, Uint8Array>
  const signed = [
    await mallory.sign(pae(MESSAGE_TYPE, row['statement']!)),
    await mallory.sign(pae(RECEIPT_TYPE, row['receipt']!)),
  ]
  database.prepare('UPDATE entry SET signature = ?, receipt_signature = ? WHERE id = 3').run(...signed)
}

describe('a journal in which by hand', () => {
  test.each<[string, (database: DatabaseSync) => unknown, RegExp]>([
    ['nothing was changed', () => {}, /^verified: 5 receipts and the 5 messages/],
    [
      'a body was changed',
      (db) => db.exec("UPDATE entry SET items = CAST('x' || substr(items, 2) AS BLOB) WHERE id = 3"),
      /^entry 3: item: /,
    ],
    ['a row was removed', (db) => db.exec('DELETE FROM entry WHERE id = 3'), /^entry 3: row: it is missing\nentry 4: /],
    [
      'two rows changed places',
      (db) => {
        db.exec('UPDATE entry SET id = 99 WHERE id = 3')
        db.exec('UPDATE entry SET id = 3, serial = 3 WHERE id = 4')
        db.exec('UPDATE entry SET id = 4, serial = 4 WHERE id = 99')
      },
      /^entry 3: number: number 4 where 3 is due\nentry 3: chain: /,
    ],
    [
      'a row was signed again with another key',
      signAgain,
      /^entry 3: message signature: it does not verify\nentry 3: receipt signature: it does not verify\nentry 3: chain: /,
    ],
    [
      'the end was cut off',
      (db) => db.exec('DELETE FROM entry WHERE id = 5'),
      /^the journal: end: the place .* has taken number 5, but its entries end at 4\n/,
    ],
  ])('%s', async (what, edit, names) => {
    const { status, stdout } = await verifiedAfter(edit)
    expect(stdout).toMatch(names)
    expect(status).toBe(what.startsWith('nothing') ? 0 : 13)
  })

  test('the end was cut off, and what the place says of it: receipts that the client holds name what is missing', async () => {
    const cut = (database: DatabaseSync): void => {
      database.exec('DELETE FROM entry WHERE id = 5')
      database.exec('UPDATE place SET last = 4, receipts = 4, chain = (SELECT substr(receipt, 158, 32) FROM entry WHERE id = 4)')
    }
    expect((await verifiedAfter(cut)).status).toBe(0)
    const { status, stdout } = await verifiedAfter(cut, '--expect-receipts', receipts)
    expect(stdout).toMatch(
      /^the journal: end: a receipt that its sender holds is not here: number 5, index 5, of outbox [0-9a-f]{32}\n$/,
    )
    expect(status).toBe(13)
  })
})

test('evidence in which one byte was changed: the file is named, whichever it is', async () => {
  const folder = join(home.root, 'evidence')
  expect((await program('inbox', 'export', '2', folder)).status).toBe(0)
  expect((await program('verify', folder)).status).toBe(0)
  const names = readdirSync(folder)
  expect(names).toHaveLength(12)
  for (const name of names) {
    const path = join(folder, name)
    const whole = readFileSync(path)
    const changed = Buffer.from(whole)
    changed[whole.length >> 1]! ^= 1
    writeFileSync(path, changed)
    const { status, stdout, stderr } = await program('verify', folder)
    expect(stdout).toMatch(new RegExp(`^does not verify .*\\n {4}${name.replaceAll('.', String.raw`\.`)}: `))
    expect(stderr).toMatch(/^error: 1 of 1 do not verify\nhint: .*\n$/)
    expect([name, status]).toEqual([name, 13])
    writeFileSync(path, whole)
  }
})

test('a person sees how far the walk through a journal has come', async (context) => {
  if (!hasTerminals()) context.skip("util-linux's program script, which gives terminals, is missing")
  await using verifying = startInTerminal('server', ['inbox', 'verify'], home)
  const { status, stdout } = await verifying.ended
  expect(status).toBe(0)
  expect(stdout).toMatch(/verifying .*\d+% .* of 5/)
  expect(stdout).toMatch(/verified: 5 receipts/)
})
