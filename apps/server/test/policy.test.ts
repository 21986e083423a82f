/** A policy file says what is taken, from whom; a mistake in it is told before anything is served. */
import { type Entry, generatePrivateKey, memoryJournal, type Peer, type Place, type Policy } from '@countersign/core'
import { CliError } from '@countersign/keyexchange/cli'
import { run, Sandbox } from '@countersign/testing'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { POLICY_HELP, policyOf, readRules } from '../src/policy.ts'
import { Quotas } from '../src/quotas.ts'

let sandbox: Sandbox
let written = 0

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

function file(content: unknown): string {
  const path = join(sandbox.folder, `policy-${(written += 1)}.json`)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const keys = [generatePrivateKey().publicKey]
const alice: Peer = { name: 'alice', keys }
const bob: Peer = { name: 'bob', keys }

let now = 0
let used = { places: 0, partials: 0, bytes: 0 }
const place = { sender: keys[0]!.id, receiver: keys[0]!.id, outbox: new Uint8Array(16) }

function read(path: string): Policy {
  return policyOf(readRules({ path }), { now: () => now, quotas: new Quotas(() => Promise.resolve(used)) })
}

async function takes(policy: Policy, peer: Peer, contentType: string | undefined, ...lengths: number[]): Promise<boolean> {
  const attributes = new Map(contentType === undefined ? [] : [['content-type', contentType]])
  const taken = await policy.envelope!({ peer, place, first: 1, lengths, partial: lengths[0]! > 2 ** 20 })
  policy.over!(place)
  if (!taken) return false
  for (const length of lengths) if (!(await policy.item!({ peer, number: 1, attributes, length }))) return false
  return true
}

describe('a policy', () => {
  test('without rules takes everything', async () => {
    expect(await takes(read(file({})), alice, undefined, 2 ** 52)).toBe(true)
  })

  test.each([
    ['text/plain', true],
    ['TEXT/html; charset=utf-8', true],
    ['application/json', true],
    ['application/jsonp', false],
    ['textual/plain', false],
    [undefined, false],
  ])('of text/* and application/json takes %s: %s', async (type, taken) => {
    expect(await takes(read(file({ default: { contentTypes: ['text/*', 'application/json'] } })), alice, type, 10)).toBe(taken)
  })

  test("a peer's own rule stands in place of the default one, the others stay", async () => {
    const policy = read(file({ default: { maxLength: '1K', contentTypes: ['text/*'] }, peers: { alice: { maxLength: '1M' } } }))
    expect(await takes(policy, alice, 'text/plain', 2 ** 20)).toBe(true)
    expect(await takes(policy, alice, 'text/plain', 2 ** 20 + 1)).toBe(false)
    expect(await takes(policy, bob, 'text/plain', 1024)).toBe(true)
    expect(await takes(policy, bob, 'text/plain', 1025)).toBe(false)
    expect(await takes(policy, alice, 'image/png', 1)).toBe(false)
  })

  test('a rate is spent by each message, of each peer alone, and grows back', async () => {
    const policy = read(file({ default: { messagesPerMinute: 6 } }))
    expect(await takes(policy, alice, undefined, 1, 1, 1, 1)).toBe(true)
    expect(await takes(policy, alice, undefined, 1, 1, 1)).toBe(false)
    expect(await takes(policy, alice, undefined, 1, 1)).toBe(true)
    expect(await takes(policy, alice, undefined, 1)).toBe(false)
    expect(await takes(policy, bob, undefined, 1)).toBe(true)
    now += 10_000
    expect(await takes(policy, alice, undefined, 1)).toBe(true)
    expect(await takes(policy, alice, undefined, 1)).toBe(false)
  })

  test('a peer may fill so much of the journal, what it has announced included', async () => {
    const policy = read(file({ default: { mostBytes: '1K' } }))
    used = { places: 0, partials: 0, bytes: 1000 }
    expect(await takes(policy, alice, undefined, 12, 12)).toBe(true)
    expect(await takes(policy, alice, undefined, 12, 13)).toBe(false)
  })

  test('a peer may have so many places in the journal, and in so many of them a message that has come in part', async () => {
    const policy = read(file({ default: { mostPlaces: 3, mostPartials: 1 } }))
    used = { places: 2, partials: 1, bytes: 0 }
    expect(await takes(policy, alice, undefined, 12)).toBe(true)
    expect(await takes(policy, alice, undefined, 2 ** 21)).toBe(false)
    used = { places: 3, partials: 0, bytes: 0 }
    expect(await takes(policy, alice, undefined, 12)).toBe(false)
  })

  test.each([
    ['no JSON', /is no JSON/],
    [[], /no object at its top/],
    [{ defaults: {} }, /unknown part: defaults/],
    [{ default: { maxLenght: 1 } }, /unknown rule at default: maxLenght/],
    [{ default: { toString: 1 } }, /unknown rule at default: toString/],
    [{ peers: { alice: { maxLength: 'long' } } }, /no good value at peers\.alice\.maxLength/],
    [{ default: { contentTypes: 'text/plain' } }, /no good value at default\.contentTypes/],
    [{ default: { messagesPerMinute: -1 } }, /no good value at default\.messagesPerMinute/],
    [{ default: { mostPlaces: 1.5 } }, /no good value at default\.mostPlaces/],
    [{ peers: { alice: 'all' } }, /no object at peers\.alice/],
  ])('%j is refused, and what is wrong is named', (content, message) => {
    expect(() => read(file(content))).toThrow(expect.objectContaining({ code: 'USAGE', message: expect.stringMatching(message) }))
    expect(() => read(file(content))).toThrow(CliError)
  })
})

describe('a quota, where many sessions ask at the same moment,', () => {
  const LONG = 2 ** 30
  /** A journal that answers what is there once it is let, in order; and what it has been given. */
  function stock(rules: object) {
    const answers: (() => void)[] = []
    const there = { places: 0, partials: 0, bytes: 0 }
    const quotas = new Quotas(() => {
      const { promise, resolve } = Promise.withResolvers<typeof there>()
      const now = { ...there }
      answers.push(() => resolve(now))
      return promise
    })
    const memory = memoryJournal()
    const { append, spool } = quotas.booking({
      ...memory,
      append: () => Promise.resolve(),
      spool: (place, digest, length) => {
        there.partials += 1
        there.bytes += length
        return memory.spool(place, digest, length)
      },
    })
    const policy = policyOf(readRules({ inline: { default: rules } }), { now: () => now, quotas })
    const ask = (place: Place, length: number, first = 1): Promise<boolean> =>
      Promise.resolve(policy.envelope!({ peer: alice, place, first, lengths: [length], partial: length > 2 ** 20 }))
    /** Asks at once for all of these, and answers then. */
    const takes = (...asked: readonly (readonly [place: Place, length: number, first?: number])[]): Promise<boolean[]> => {
      const taken = Promise.all(asked.map((one) => ask(...one)))
      for (const answer of answers.splice(0)) answer()
      return taken
    }
    const appended = (place: Place, first: number): Promise<void> => append({ place, messageStatement: { first } } as Entry)
    return { policy, takes, appended, spooled: (place: Place) => spool(place, new Uint8Array(32), LONG) }
  }

  const placeAt = (outbox: number): Place => ({ ...place, outbox: new Uint8Array(16).fill(outbox) })
  const [a, b, c] = [placeAt(1), placeAt(2), placeAt(3)]

  test('lets as many through as there is room for, and counts them until the journal does', async () => {
    const { takes, spooled } = stock({ mostBytes: 2 * LONG, mostPartials: 1 })
    expect(await takes([a, LONG], [b, LONG], [c, LONG])).toEqual([true, false, false])
    expect(await takes([b, LONG], [c, 10])).toEqual([false, true])
    // The journal says it of the first one from here on, which is not counted twice.
    await spooled(a)
    expect(await takes([b, LONG - 11])).toEqual([false])
    const wide = stock({ mostBytes: 2 * LONG })
    expect(await wide.takes([a, LONG])).toEqual([true])
    await wide.spooled(a)
    expect(await wide.takes([b, LONG], [c, 1])).toEqual([true, false])
  })

  test('counts what a session is let through with one by one, as it is given to the journal', async () => {
    const { takes, appended } = stock({ mostBytes: 100 })
    expect(await takes([a, 60], [a, 40, 2], [b, 1])).toEqual([true, true, false])
    await appended(a, 1)
    expect(await takes([b, 61], [b, 60])).toEqual([false, true])
  })

  test('of places counts those that are new, for those that are new', async () => {
    const { takes } = stock({ mostPlaces: 2 })
    expect(await takes([a, 1], [b, 1], [c, 1], [placeAt(4), 1, 2])).toEqual([true, true, false, true])
  })

  test('does not count what was refused, nor what a session took that is over or is another one’s now', async () => {
    const { takes, policy } = stock({ mostBytes: 100, messagesPerMinute: 1 })
    expect(await takes([a, 101], [b, 100])).toEqual([false, true])
    policy.over!(b)
    now += 60_000
    expect(await takes([a, 100])).toEqual([true])
    now += 60_000
    const again = { ...a }
    expect(await takes([again, 100])).toEqual([true])
    policy.over!(a)
    now += 60_000
    expect(await takes([b, 1])).toEqual([false])
    policy.over!(again)
    expect(await takes([b, 1], [b, 1, 2])).toEqual([true, false])
    policy.over!(b)
    // It has no room of the quota where it is its rate that refuses it.
    expect(await takes([b, 100])).toEqual([false])
    now += 60_000
    expect(await takes([c, 100])).toEqual([true])
  })
})

describe('a server with a policy', () => {
  test('refuses what is against it with a signed receipt, and takes the rest of the same client', async () => {
    const pair = sandbox.pair()
    const { server, at } = await sandbox.serve(
      pair.server,
      '--policy',
      file({ default: { contentTypes: ['text/*'], maxLength: '1K' } }),
    )
    const send = (words: string[], input = ''): ReturnType<typeof run> =>
      run('client', ['send', ...words, ...at], { root: pair.client.root, input })
    const json = await send(['{}', '--content-type', 'application/json'])
    expect(json.stdout).toMatch(/refused by server-\d+ at .*, receipt verified/)
    expect(json.stderr).toMatch(/^error: the peer refused the message by its policy, with a signed receipt: number \d+\nhint: /m)
    expect(json.status).toBe(11)
    // Of those that travel together only the one that is too long is refused.
    const lines = await send(['--lines'], `short\n${'long '.repeat(300)}\nshort too\n`)
    expect(lines.status).toBe(11)
    const { stdout } = await server.stop()
    expect(stdout).toMatch(/ {4}short\n[^]* {4}short too\n/)
    expect(stdout).not.toContain('long long')
  })

  test('keeps the places that a client has, and gives no further one', async () => {
    const pair = sandbox.pair()
    const { server, at } = await sandbox.serve(pair.server, '--policy', file({ default: { mostPlaces: 1 } }))
    const send = (...words: string[]): ReturnType<typeof run> =>
      run('client', ['send', ...words, ...at], { root: pair.client.root })
    expect((await send('one')).status).toBe(0)
    expect((await send('elsewhere', '--ephemeral')).status).toBe(11)
    expect((await send('two')).status).toBe(0)
    expect((await server.stop()).stdout).not.toContain('elsewhere')
  })

  test('does not start with one that is wrong', async () => {
    const { server } = sandbox.pair('rsa')
    const { status, stderr } = await run('server', ['--policy', file('{')], { root: server.root })
    expect(stderr).toMatch(
      /^error: the policy .* is no JSON\nhint: a rule is one of contentTypes, maxLength, messagesPerMinute, mostBytes, mostPlaces, mostPartials/,
    )
    expect(status).toBe(2)
  })
})

test('the help names every rule that there is', () => {
  let hint = ''
  try {
    readRules({ inline: { default: { none: 1 } } })
  } catch (error) {
    hint = (error as CliError).hint
  }
  const rules = hint.match(/\b[a-z]+[A-Z]\w+/g) ?? []
  expect(rules.length).toBeGreaterThan(3)
  expect(rules.filter((rule) => !POLICY_HELP.includes(`  ${rule} `))).toEqual([])
})
