/** Hooks run at least once for each stored message: in order for each sender, a bounded number at once, again where they fail. */
import { Output } from '@countersign/keyexchange/cli'
import { Sandbox } from '@countersign/testing'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Post } from '../../src/hooks/hook.ts'
import { HookLedger } from '../../src/hooks/ledger.ts'
import { type Feed, HookRunner, type RunnerOptions } from '../../src/hooks/runner.ts'

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

/** Stored messages in memory: their ids count from 1. */
class Shelf implements Feed {
  readonly #senders: string[]
  #wake: (() => void) | undefined

  constructor(...senders: string[]) {
    this.#senders = senders
  }

  store(sender: string): void {
    this.#senders.push(sender)
    this.#wake?.()
  }

  async *follow(after: number, signal: AbortSignal): AsyncGenerator<{ id: number; sender: string }> {
    signal.addEventListener('abort', () => this.#wake?.())
    for (let at = after; !signal.aborted;) {
      const sender = this.#senders[at]
      if (sender === undefined) await new Promise<void>((resolve) => (this.#wake = resolve))
      else yield { id: (at += 1), sender }
    }
  }

  post(id: number): Promise<Post> {
    const content = { attributes: new Map(), length: 0, bytes: () => Promise.resolve(new Uint8Array(0)), async *stream() {} }
    const from = { name: this.#senders[id - 1]!, fingerprint: '' }
    return Promise.resolve({ id, from, outbox: '', number: id, sentAt: new Date(0), receivedAt: new Date(0), content })
  }
}

type Deliver = (id: number, sender: string, signal: AbortSignal) => Promise<void>

function runner(feed: Feed, deliver: Deliver, options: Partial<RunnerOptions> = {}): { run: HookRunner; ended: Promise<void> } {
  const output = new Output({ json: false, quiet: true, input: false })
  const hook = { name: 'h', deliver: ({ id, from }: Post, signal: AbortSignal) => deliver(id, from.name, signal) }
  const run = new HookRunner({ hook, feed, ledger, output, concurrency: 2, attempts: 3, timeout: 1000, patience: 1, ...options })
  return { run, ended: run.run() }
}

/** Waits for what must come true, then for the end. */
async function until(holds: () => boolean, { run, ended }: { run: HookRunner; ended: Promise<void> }): Promise<void> {
  while (!holds()) await sleep(1)
  run.stop()
  await ended
}

test('what waits to be tried again keeps no other sender waiting', async () => {
  const tried: string[] = []
  const deliver: Deliver = async (_, sender) => {
    tried.push(sender)
    if (sender.startsWith('bad')) throw new Error('no')
  }
  const runs = runner(new Shelf('bad', 'bad 2', 'bad 3', 'good'), deliver, { attempts: 2, patience: 100 })
  await until(() => tried.length >= 4, runs)
  expect(tried).toEqual(['bad', 'bad 2', 'bad 3', 'good'])
})

test('each message is handed on once, in the order of its sender, no more senders at once than said', async () => {
  const done: string[] = []
  let running = 0
  let most = 0
  const busy = new Set<string>()
  const deliver: Deliver = async (id, sender) => {
    expect(busy.has(sender)).toBe(false)
    busy.add(sender)
    most = Math.max(most, (running += 1))
    await sleep(2)
    running -= 1
    busy.delete(sender)
    done.push(`${sender}${id}`)
  }
  await until(() => done.length === 8, runner(new Shelf('a', 'b', 'a', 'c', 'a', 'b', 'c', 'd'), deliver))
  expect(most).toBe(2)
  expect(done.filter((id) => id.startsWith('a'))).toEqual(['a1', 'a3', 'a5'])
  expect(done.toSorted()).toEqual(['a1', 'a3', 'a5', 'b2', 'b6', 'c4', 'c7', 'd8'])
})

test('a message that comes while its sender is being served is not forgotten', async () => {
  const feed = new Shelf('a')
  const done: number[] = []
  const deliver: Deliver = (id) => {
    done.push(id)
    if (done.length < 50) feed.store('a')
    return Promise.resolve()
  }
  await until(() => done.length === 50, runner(feed, deliver))
  expect(done).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
})

test('what fails is tried again before the next one of its sender, then set aside where it can be seen; others go on', async () => {
  const tries: number[] = []
  const deliver: Deliver = (id) => {
    tries.push(id)
    return id === 1 ? Promise.reject(new Error('no')) : Promise.resolve()
  }
  await until(() => tries.includes(2) && tries.includes(3), runner(new Shelf('a', 'a', 'b'), deliver))
  expect(tries.filter((id) => id !== 3)).toEqual([1, 1, 1, 2])
  expect(ledger.aside()).toEqual([expect.objectContaining({ hook: 'h', id: 1, attempts: 3, why: 'no' })])
  ledger.forget({ hook: 'h', id: 1 })
  expect(ledger.aside()).toEqual([])
})

test('what was not done when it was stopped runs again, and what is done is not repeated', async () => {
  const feed = new Shelf('a', 'b', 'a', 'a', 'b')
  const first: number[] = []
  const stuck: Deliver = (id) => {
    first.push(id)
    return id === 3 ? Promise.reject(new Error('not now')) : Promise.resolve()
  }
  await until(() => first.includes(3) && first.includes(5), runner(feed, stuck, { attempts: 1000, patience: 10_000 }))
  expect(new Set(first)).toEqual(new Set([1, 2, 3, 5]))
  expect(ledger.mark('h')).toBe(2)

  const second: number[] = []
  const works: Deliver = (id) => {
    second.push(id)
    return Promise.resolve()
  }
  await until(() => second.length === 2, runner(feed, works))
  expect(second).toEqual([3, 4])
  expect(ledger.mark('h')).toBe(5)
})

test('a hook that hangs is given up after its time', async () => {
  const hang: Deliver = (_, __, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))
  await until(() => ledger.aside().length === 1, runner(new Shelf('a'), hang, { timeout: 5, attempts: 1 }))
  expect(ledger.aside()[0]!.why).toMatch(/timeout/)
})

test('a hook begins behind what was stored before it was asked for, once', () => {
  ledger.begin('exec', 7)
  ledger.begin('exec', 9)
  expect([ledger.mark('exec'), ledger.mark('webhook')]).toEqual([7, 0])
})

test('while the disk is full nothing is handed on behind what cannot be written; it goes on once there is room', async () => {
  const { advance } = ledger
  let full = 3
  ledger.advance = (...args) => {
    if ((full -= 1) >= 0) throw Object.assign(new Error('database or disk is full'), { errcode: 13 })
    return advance.apply(ledger, args)
  }
  const done: number[] = []
  const deliver: Deliver = (id) => {
    done.push(id)
    return Promise.resolve()
  }
  await until(() => ledger.mark('h') === 2, runner(new Shelf('a', 'a'), deliver))
  expect(done).toEqual([1, 2])
})

test('a ledger that cannot be written ends the run with its error', async () => {
  const { ended } = runner(new Shelf('a'), () => {
    ledger[Symbol.dispose]()
    return Promise.resolve()
  })
  await expect(ended).rejects.toThrow(/database is not open/)
  ledger = new HookLedger(join(sandbox.folder, 'another.db'))
})
