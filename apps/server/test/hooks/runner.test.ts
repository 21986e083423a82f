/** Hooks run at least once for each stored message: in order for each sender, a bounded number at once, again where they fail. */
import { generatePrivateKey } from '@countersign/core'
import { Message } from '@countersign/core/protocol'
import { Output } from '@countersign/keyexchange/cli'
import { Sandbox } from '@countersign/testing'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Hook } from '../../src/hooks/hook.ts'
import { HookLedger } from '../../src/hooks/ledger.ts'
import { type Feed, HookRunner, type RunnerOptions, type Stored } from '../../src/hooks/runner.ts'

let sandbox: Sandbox
let ledger: HookLedger
let ledgers = 0

beforeAll(() => {
  sandbox = new Sandbox()
})
beforeEach(() => {
  ledger = new HookLedger(join(sandbox.folder, `hooks-${(ledgers += 1)}.db`))
})
afterEach(() => ledger[Symbol.dispose]())
afterAll(() => sandbox[Symbol.asyncDispose]())

const key = generatePrivateKey().publicKey

function message(number: number): Message {
  const statement = { from: key.id, to: key.id, outbox: new Uint8Array(16), first: number, sentAt: 0, leaves: new Uint8Array(32) }
  const signed = { statement: new Uint8Array(0), signature: new Uint8Array(0) }
  const envelope = { peer: { name: 'alice', keys: [key] }, statement, message: signed, receipt: signed, receivedAt: 0 }
  return new Message(envelope, number, new Map(), new TextEncoder().encode(`body ${number}`), 0)
}

/** Stored messages in memory: each row is a sender. */
class Shelf implements Feed {
  readonly #stored: (Stored & { readonly sender: string })[] = []

  store(sender: string): void {
    const seq = this.#stored.length + 1
    this.#stored.push({ sender, seq, id: `${sender}-${seq}`, message: message(seq) })
  }

  senders(): Promise<string[]> {
    return Promise.resolve([...new Set(this.#stored.map(({ sender }) => sender))])
  }

  next(sender: string, after: number): Promise<Stored | undefined> {
    return Promise.resolve(this.#stored.find((stored) => stored.sender === sender && stored.seq > after))
  }
}

function shelf(...senders: string[]): Shelf {
  const made = new Shelf()
  for (const sender of senders) made.store(sender)
  return made
}

function runner(feed: Feed, hook: Hook, options: Partial<RunnerOptions> = {}): HookRunner {
  const output = new Output({ json: false, quiet: true, input: false })
  return new HookRunner({ hook, feed, ledger, output, concurrency: 2, attempts: 3, timeout: 1000, patience: 1, ...options })
}

/** Waits for what must come true. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(1)
}

test('each message is handed on once, in the order of its sender, no more senders at once than said', async () => {
  const done: string[] = []
  let running = 0
  let most = 0
  const busy = new Set<string>()
  const hook: Hook = {
    name: 'h',
    async deliver(_, id) {
      const sender = id.split('-')[0]!
      expect(busy.has(sender)).toBe(false)
      busy.add(sender)
      most = Math.max(most, (running += 1))
      await sleep(2)
      running -= 1
      busy.delete(sender)
      done.push(id)
    },
  }
  const run = runner(shelf('a', 'b', 'a', 'c', 'a', 'b', 'c', 'd'), hook)
  await run.start()
  await until(() => done.length === 8)
  await run.stop()
  expect(most).toBe(2)
  expect(done.filter((id) => id.startsWith('a'))).toEqual(['a-1', 'a-3', 'a-5'])
  expect(done.toSorted()).toEqual(['a-1', 'a-3', 'a-5', 'b-2', 'b-6', 'c-4', 'c-7', 'd-8'])
})

test('a message that comes while its sender is being served is not forgotten', async () => {
  const feed = shelf('a')
  const done: string[] = []
  const run = runner(feed, {
    name: 'h',
    deliver(_, id) {
      done.push(id)
      if (done.length < 5) {
        feed.store('a')
        run.wake('a')
      }
      return Promise.resolve()
    },
  })
  run.wake('a')
  await until(() => done.length === 5)
  await run.stop()
  expect(done).toEqual(['a-1', 'a-2', 'a-3', 'a-4', 'a-5'])
})

test('what fails is tried again with the same id before the next one of its sender, then set aside where it can be seen', async () => {
  const tries: string[] = []
  const run = runner(shelf('a', 'a', 'b'), {
    name: 'h',
    deliver(_, id) {
      tries.push(id)
      return id === 'a-1' ? Promise.reject(new Error('no')) : Promise.resolve()
    },
  })
  await run.start()
  await until(() => tries.includes('a-2') && tries.includes('b-3'))
  await run.stop()
  expect(tries.filter((id) => id.startsWith('a'))).toEqual(['a-1', 'a-1', 'a-1', 'a-2'])
  expect(ledger.aside()).toEqual([expect.objectContaining({ hook: 'h', id: 'a-1', attempts: 3, why: 'no' })])
  ledger.forget('h', 'a-1')
  expect(ledger.aside()).toEqual([])
})

test('a hook that was stopped before it was done runs again with the same id, and what is done is not repeated', async () => {
  const feed = shelf('a', 'a', 'a')
  const first: string[] = []
  const failing = runner(
    feed,
    {
      name: 'h',
      deliver(_, id) {
        first.push(id)
        return id === 'a-2' ? Promise.reject(new Error('not now')) : Promise.resolve()
      },
    },
    { attempts: 1000, patience: 1000 },
  )
  await failing.start()
  await until(() => first.includes('a-2'))
  await failing.stop()

  const second: string[] = []
  const run = runner(feed, {
    name: 'h',
    deliver(_, id) {
      second.push(id)
      return Promise.resolve()
    },
  })
  await run.start()
  await until(() => second.length === 2)
  await run.stop()
  expect([first, second]).toEqual([
    ['a-1', 'a-2'],
    ['a-2', 'a-3'],
  ])
})

test('a hook that hangs is given up after its time', async () => {
  const run = runner(
    shelf('a'),
    {
      name: 'h',
      deliver: (_, __, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })),
    },
    { timeout: 5, attempts: 1 },
  )
  await run.start()
  await until(() => ledger.aside().length === 1)
  await run.stop()
  expect(ledger.aside()[0]!.why).toMatch(/timeout/)
})

test('hooks keep their cursors apart', () => {
  ledger.advance('exec', 'a', 7)
  ledger.advance('exec', 'a', 3)
  expect([ledger.cursor('exec', 'a'), ledger.cursor('webhook', 'a'), ledger.cursor('exec', 'b')]).toEqual([7, 0, 0])
})
