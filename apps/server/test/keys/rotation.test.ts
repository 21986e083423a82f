/** A rotation with the real programs: messages flow before, during and after it, and what was signed stays proved. */
import type { PublicKey } from '@countersign/core'
import { openHome, type Home as OpenedHome } from '@countersign/keyexchange'
import { exportEvidence, openJournal, receivedEvidence, type StoredMessage, verifyEvidence } from '@countersign/store'
import { type Home, type Outcome, run, type Running, Sandbox, start } from '@countersign/testing'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let sandbox: Sandbox

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

const HOUR = 3_600_000

/** The environment of a program whose clock is ahead by so many ms. */
function ahead(ms: number): Record<string, string> {
  const clock = `const D = Date; globalThis.Date = class extends D {
    constructor(...time) { time.length === 0 ? super(D.now() + ${ms}) : super(...time) }
    static now() { return D.now() + ${ms} }
  }`
  return ms === 0 ? {} : { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(clock)}` }
}

/** A server and a client who know each other; what was sent, and what the server printed. */
class Pair {
  readonly server: Home
  readonly client: Home
  readonly texts: string[] = []
  #at: readonly string[] = ['--host', '127.0.0.1', '--port', '9']

  constructor(name: string) {
    this.server = sandbox.home('server', `${name}-server`, 'ml-dsa-65')
    this.client = sandbox.home('client', `${name}-client`)
    sandbox.trust(this.server, this.client)
    sandbox.trust(this.client, this.server)
  }

  /** @param clock how far ahead its clock is; ms */
  async serve(clock = 0): Promise<Running> {
    const words = ['--host', '127.0.0.1', '--port', '0', '--json']
    const server = start('server', words, { root: this.server.root, env: ahead(clock) })
    const [, port] = await server.until(/"port":(\d+)/)
    this.#at = ['--host', '127.0.0.1', '--port', port!]
    return server
  }

  send(text: string, clock = 0): Promise<Outcome> {
    this.texts.push(text)
    return run('client', ['send', text, '--json', ...this.#at], { root: this.client.root, env: ahead(clock) })
  }

  /** Sends while the server runs. @returns the fingerprint of the key that countersigned */
  async sent(text: string, clock = 0): Promise<string> {
    const { status, stdout, stderr } = await this.send(text, clock)
    expect([stderr, status]).toEqual(['', 0])
    const { receiver, outcome, verified } = JSON.parse(stdout) as {
      receiver: { fingerprint: string }
      outcome: string
      verified: boolean
    }
    expect([outcome, verified]).toEqual(['stored', true])
    return receiver.fingerprint
  }

  /** Sends while no server runs: the message waits in the outbox. */
  async queue(text: string, clock = 0): Promise<void> {
    const { status, stderr } = await this.send(text, clock)
    expect(status).toBe(8)
    expect(stderr).toMatch(/stay in the outbox until they are sent/)
  }

  /** @returns the file of the statement of rotation */
  async rotate(who: 'server' | 'client'): Promise<string> {
    const words = ['rotate', '--overlap', '1h', '--json']
    const { status, stdout, stderr } = await run('keys', words, { root: this[who].root })
    expect([stderr, status]).toEqual(['', 0])
    return (JSON.parse(stdout) as { statement: string }).statement
  }

  /** The other side accepts it. */
  async accept(who: 'server' | 'client', statement: string): Promise<void> {
    const other = who === 'server' ? this.client : this.server
    const { status, stderr } = await run('keys', ['accept-rotation', statement], { root: other.root })
    expect([stderr, status]).toEqual(['', 0])
  }

  open(role: 'server' | 'client', clock = 0): OpenedHome {
    return openHome({ root: this[role].root, role, now: () => Date.now() + clock })
  }

  /** Every message of the server's journal, each of which is proved by the keys that the server's home knows. */
  async proved(clock: number): Promise<StoredMessage[]> {
    const home = this.open('server', clock)
    await using journal = await openJournal(join(home.stateFolder, 'journal.db'))
    const keyOf = (id: Uint8Array): PublicKey | undefined => home.evidence(id)?.publicKey
    const sameChain = (a: Uint8Array, b: Uint8Array): boolean => home.sameChain(a, b)
    const faults = await Array.fromAsync(journal.verify({ keyOf }))
    expect(faults).toEqual([])
    const messages = await Array.fromAsync(journal.messages())
    for (const message of messages) {
      const folder = join(this.server.root, 'evidence', String(message.serial))
      await exportEvidence(folder, receivedEvidence(message), { keyOf })
    }
    const verified = await Array.fromAsync(verifyEvidence(join(this.server.root, 'evidence'), { sameChain }))
    expect(verified.map((one) => one.faults)).toEqual(messages.map(() => []))
    return messages
  }
}

describe.each(['client', 'server'] as const)('the %s changes its key', (who) => {
  test.each(['at once', 'later'] as const)(
    'and the other side accepts it %s: every message arrives once, in order, also those that were queued; afterwards the old private key is gone',
    async (when) => {
      const pair = new Pair(`${who}-${when.replace(' ', '-')}`)
      const before = pair[who].key.publicKey
      await using first = await pair.serve()
      await pair.sent('before')
      await first.stop()
      await pair.queue('queued before')

      const statement = await pair.rotate(who)
      const next = pair.open(who).publicKey
      expect(next.fingerprint).not.toBe(before.fingerprint)
      if (when === 'at once') await pair.accept(who, statement)
      await using second = await pair.serve()
      await pair.sent('during')
      if (when === 'later') {
        await pair.accept(who, statement)
        await pair.sent('during, once it is accepted')
      }
      await second.stop()
      await pair.queue('queued during')
      expect(existsSync(join(pair[who].folder, 'previous.pem'))).toBe(true)

      const later = 2 * HOUR
      await using third = await pair.serve(later)
      const countersigned = await pair.sent('after', later)
      expect((await third.stop()).status).toBe(0)
      expect(countersigned).toBe(pair.open('server').publicKey.fingerprint)
      expect(readdirSync(pair[who].folder)).not.toContain('previous.pem')
      expect((await pair.open(who, later).identities()).map(({ publicKey }) => publicKey.id)).toEqual([next.id])

      const messages = await pair.proved(later)
      expect(await Promise.all(messages.map(async (message) => (await message.content())!.text()))).toEqual(pair.texts)
      expect(messages.map(({ number }) => number)).toEqual(messages.map((_, i) => i + 1))
      const [oldest, newest] = [messages[0]!.entry, messages.at(-1)!.entry]
      const signer = who === 'client' ? 'messageStatement' : 'receiptStatement'
      expect(oldest[signer].from).toEqual(before.id)
      expect(newest[signer].from).toEqual(next.id)
      const { until } = pair.open('server', later).evidence(before.id)!
      const signedAt = who === 'client' ? oldest.messageStatement.sentAt : oldest.receiptStatement.receivedAt
      expect(until).toBeGreaterThan(signedAt)
      expect(until).toBeLessThan(Date.now() + HOUR)
      const keptBy = pair.open(who === 'client' ? 'server' : 'client', later)
      expect(keptBy.evidence(before.id)).toMatchObject({ until, revoked: false })
      expect(keptBy.trust(before.id)).toBeUndefined()
    },
  )
})

test('a server that runs on answers as its new key once a client knows it, and as the old one to those who do not', async () => {
  const pair = new Pair('running')
  await using server = await pair.serve()
  const old = await pair.sent('as the old one')
  const statement = await pair.rotate('server')
  const { fingerprint } = pair.open('server').publicKey
  await server.until(new RegExp(`this server has a new key: ${RegExp.escape(fingerprint)}`))
  expect(await pair.sent('not accepted yet')).toBe(old)
  await pair.accept('server', statement)
  expect(await pair.sent('accepted')).toBe(fingerprint)
  expect((await server.stop()).status).toBe(0)
})

test('a client that nobody told of the rotation is turned away once the overlap is over; its message waits', async () => {
  const pair = new Pair('untold')
  await pair.rotate('client')
  await using server = await pair.serve(2 * HOUR)
  const { status, stderr } = await pair.send('too late', 2 * HOUR)
  expect(status).toBe(11)
  expect(stderr).toMatch(/stay in the outbox[^]*^error: .+\nhint: .+\n$/m)
  expect((await server.stop()).stdout).not.toContain('too late')
})
