/** One process at a time runs a hook: who has the lease writes progress, who has lost it does not. */
import { Sandbox } from '@countersign/testing'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { Lease } from '../../src/hooks/lease.ts'
import { HookLedger } from '../../src/hooks/ledger.ts'

let sandbox: Sandbox
let path: string
let ledgers = 0

beforeAll(() => {
  sandbox = new Sandbox()
})
beforeEach(() => {
  path = join(sandbox.folder, `hooks-${(ledgers += 1)}.db`)
})
afterAll(() => sandbox[Symbol.asyncDispose]())

const never = new AbortController().signal
const untold = (): void => {}
/** By itself nothing is renewed, and what is not renewed is stale at once. */
const still = { beat: 60_000, patience: 0 }

test('a lease that is held is waited for, and goes over at once where it is given back', async () => {
  using mine = new HookLedger(path)
  using others = new HookLedger(path)
  const first = (await Lease.take(mine, 'exec', never, untold))!
  const waits = Promise.withResolvers<void>()
  const second = Lease.take(others, 'exec', never, () => waits.resolve(), { beat: 1, patience: 60_000 })
  await waits.promise
  expect(first.renew()).toBe(true)
  first[Symbol.dispose]()
  using lease = (await second)!
  expect(mine.lease('exec')!.holder).toBe(lease.holder)
})

test('one hook’s lease is no other’s', async () => {
  using ledger = new HookLedger(path)
  using exec = await Lease.take(ledger, 'exec', never, untold)
  using webhook = await Lease.take(ledger, 'webhook', never, untold)
  expect([exec?.renew(), webhook?.renew()]).toEqual([true, true])
})

test('whoever is not heard of loses it, and what it does later is not written', async () => {
  using mine = new HookLedger(path)
  using others = new HookLedger(path)
  using paused = (await Lease.take(mine, 'exec', never, untold, still))!
  const progress = { hook: 'exec', sender: 'ada', id: 1, mark: 1 }
  expect(mine.advance({ ...progress, holder: paused.holder })).toBe(true)
  using lease = (await Lease.take(others, 'exec', never, untold, { beat: 1, patience: 0 }))!
  const aside = { attempts: 1, why: 'no', at: 0 }
  expect(mine.advance({ ...progress, id: 2, mark: 2, holder: paused.holder }, aside)).toBe(false)
  expect([mine.mark('exec'), mine.cursor('exec', 'ada'), mine.aside()]).toEqual([1, 1, []])
  expect([paused.renew(), paused.lost.aborted]).toEqual([false, true])
  expect(others.advance({ ...progress, id: 2, mark: 2, holder: lease.holder })).toBe(true)
  // Nor does it take it from the new holder when it ends.
  paused[Symbol.dispose]()
  expect(lease.renew()).toBe(true)
})

test('nobody waits on when it is to stop', async () => {
  using ledger = new HookLedger(path)
  using held = await Lease.take(ledger, 'exec', never, untold)
  expect(held).toBeDefined()
  const stopping = new AbortController()
  const waiting = Lease.take(ledger, 'exec', stopping.signal, () => stopping.abort(), still)
  expect(await waiting).toBeUndefined()
})
