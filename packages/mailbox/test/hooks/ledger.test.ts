/** What a ledger knows counts for one journal: ids behind a backup that was put back are of other messages. */
import { Sandbox } from '@countersign/testing'
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HookLedger } from '../../src/hooks/ledger.ts'

let sandbox: Sandbox

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

const idOf = (n: number): Uint8Array => new Uint8Array(16).fill(n)
const from = (former: number, messages: number) => ({ at: new Date(0), former: idOf(former), entries: messages, messages })

/** A ledger of journal 1 that is done with 90 messages, and with 100 of ada's; 40 and 95 were set aside. */
function ledgerOf(name: string): HookLedger {
  const ledger = new HookLedger(join(sandbox.folder, name))
  ledger.follow({ id: idOf(1), restores: [] })
  ledger.claim('exec', 'me', undefined)
  ledger.advance({ hook: 'exec', holder: 'me', sender: 'ada', id: 100, mark: 90 })
  for (const id of [40, 95]) ledger.setAside({ hook: 'exec', id, attempts: 1, why: 'no', at: id })
  return ledger
}

test('is waited for while another process has it to itself, as whoever closes it last does', async () => {
  const path = join(sandbox.folder, 'closing.db')
  new HookLedger(path)[Symbol.dispose]()
  const closing = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads')
    const database = new (require('node:sqlite').DatabaseSync)(workerData)
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    parentPort.postMessage('has it')
    setTimeout(() => database.close(), 300)`,
    { eval: true, workerData: path },
  )
  await once(closing, 'message')
  using ledger = new HookLedger(path)
  expect(ledger.mark('exec')).toBe(0)
})

test.each([
  ['the same journal', 1, [], [90, 100, [40, 95]]],
  ['one that was made from its backup', 2, [from(1, 50)], [50, 50, [40]]],
  ['one that was made from a backup of that', 3, [from(1, 50), from(2, 70)], [50, 50, [40]]],
  ['one that had been restored before', 3, [from(9, 20), from(1, 95)], [90, 95, [40, 95]]],
  ['a new one', 4, [], [0, 0, []]],
] as const)('of %s', (name, id, restores, expected) => {
  using ledger = ledgerOf(`${name}.db`)
  ledger.follow({ id: idOf(id), restores })
  expect([ledger.mark('exec'), ledger.cursor('exec', 'ada'), ledger.aside().map((aside) => aside.id)]).toEqual(expected)
})
