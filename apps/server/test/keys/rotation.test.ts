/** A rotation with the real programs: messages flow before, during and after it, and what was signed stays proved. */
import { connect, identity, type PublicKey, REASON, type SecureSession } from '@countersign/core'
import { openHome, type Home as OpenedHome } from '@countersign/keyexchange'
import { exportEvidence, openJournal, receivedEvidence, type StoredMessage } from '@countersign/store'
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

type Role = 'server' | 'client'

/** A server and a client who know each other, where the server is, and what was sent. */
interface Pair {
  readonly server: Home
  readonly client: Home
  readonly texts: string[]
  at: readonly string[]
}

function pairOf(name: string): Pair {
  const server = sandbox.home('server', `${name}-server`, 'ml-dsa-65')
  const client = sandbox.home('client', `${name}-client`)
  sandbox.trust(server, client)
  sandbox.trust(client, server)
  return { server, client, texts: [], at: ['--host', '127.0.0.1', '--port', '9'] }
}

/** @param clock how far ahead its clock is; ms */
async function serve(pair: Pair, clock = 0): Promise<Running> {
  const words = ['--host', '127.0.0.1', '--port', '0', '--json']
  const server = start('server', words, { root: pair.server.root, env: ahead(clock) })
  const [, port] = await server.until(/"port":(\d+)/)
  pair.at = ['--host', '127.0.0.1', '--port', port!]
  return server
}

function send({ client, texts, at }: Pair, text: string, clock = 0): Promise<Outcome> {
  texts.push(text)
  return run('client', ['send', text, '--json', ...at], { root: client.root, env: ahead(clock) })
}

/** Sends while the server runs. @returns the fingerprint of the key that countersigned */
async function sent(pair: Pair, text: string, clock = 0): Promise<string> {
  const { status, stdout, stderr } = await send(pair, text, clock)
  expect([stderr, status]).toEqual(['', 0])
  const lines = stdout.trimEnd().split('\n')
  const receipt = JSON.parse(lines.at(-1)!) as { receiver: { fingerprint: string } }
  expect(receipt).toMatchObject({ outcome: 'stored', verified: true })
  return receipt.receiver.fingerprint
}

/** Sends while no server runs: the message waits in the outbox. */
async function queue(pair: Pair, text: string): Promise<void> {
  const { status, stderr } = await send(pair, text)
  expect(status).toBe(8)
  expect(stderr).toMatch(/kept in the outbox: 1;/)
}

/** @returns the file of the statement of rotation */
async function rotate(pair: Pair, who: Role, overlap = '1h'): Promise<string> {
  const { status, stdout, stderr } = await run('keys', ['rotate', '--overlap', overlap, '--json'], { root: pair[who].root })
  expect([stderr, status]).toEqual(['', 0])
  return (JSON.parse(stdout) as { statement: string }).statement
}

/** The other side accepts it. */
async function accept(pair: Pair, who: Role, statement: string): Promise<void> {
  const other = who === 'server' ? pair.client : pair.server
  const { status, stderr } = await run('keys', ['accept-rotation', statement], { root: other.root })
  expect([stderr, status]).toEqual(['', 0])
}

function open(pair: Pair, role: Role, clock = 0): OpenedHome {
  return openHome({ root: pair[role].root, role, now: () => Date.now() + clock })
}

/** Every message of the server's journal, each of which is proved to both sides by the keys that their homes know. */
async function proved(pair: Pair, rotated: PublicKey, clock: number): Promise<StoredMessage[]> {
  const home = open(pair, 'server', clock)
  await using journal = await openJournal(join(home.stateFolder, 'journal.db'))
  const keyOf = (id: Uint8Array): PublicKey | undefined => home.evidence(id)?.publicKey
  const messages = await all(journal.messages())
  const evidence = join(pair.server.root, 'evidence')
  for (const message of messages) {
    await exportEvidence(join(evidence, String(message.serial)), receivedEvidence(message), { keyOf })
  }
  const env = ahead(clock)
  const walked = await run('server', ['inbox', 'verify'], { root: pair.server.root, env })
  expect([walked.stderr, walked.status]).toEqual(['', 0])
  for (const role of ['server', 'client'] as const) {
    const { stdout, stderr, status } = await run(role, ['verify', evidence, '--json'], { root: pair[role].root, env })
    expect([stderr, status]).toEqual(['', 0])
    const verified = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Verified)
    expect(verified.map((one) => one.verified)).toEqual(messages.map(() => true))
    // The first message came before the rotation: one of its two keys is an old one, and its dates are told.
    const old = [verified[0]!.sender, verified[0]!.receiver].filter(({ until }) => until !== undefined)
    expect(old).toEqual([expect.objectContaining({ fingerprint: rotated.fingerprint, revoked: false })])
    expect(Date.parse(old[0]!.until!)).toBeLessThan(Date.now() + HOUR)
  }
  return messages
}

interface Verified {
  readonly verified: boolean
  readonly sender: { readonly fingerprint: string; readonly until?: string }
  readonly receiver: { readonly fingerprint: string; readonly until?: string }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

describe.each(['client', 'server'] as const)('the %s changes its key', (who) => {
  test.each(['at once', 'later'] as const)(
    'and the other side accepts it %s: every message arrives once, in order, also those that were queued; afterwards the old private key is gone',
    async (when) => {
      const pair = pairOf(`${who}-${when.replace(' ', '-')}`)
      const before = pair[who].key.publicKey
      await using first = await serve(pair)
      await sent(pair, 'before')
      await first.stop()
      await queue(pair, 'queued before')

      const statement = await rotate(pair, who)
      const next = open(pair, who).publicKey
      expect(next.fingerprint).not.toBe(before.fingerprint)
      if (when === 'at once') await accept(pair, who, statement)
      await using second = await serve(pair)
      await sent(pair, 'during')
      if (when === 'later') {
        await accept(pair, who, statement)
        await sent(pair, 'during, once it is accepted')
      }
      await second.stop()
      await queue(pair, 'queued during')
      expect(existsSync(join(pair[who].folder, 'previous.pem'))).toBe(true)

      const later = 2 * HOUR
      await using third = await serve(pair, later)
      const countersigned = await sent(pair, 'after', later)
      expect((await third.stop()).status).toBe(0)
      expect(countersigned).toBe(open(pair, 'server').publicKey.fingerprint)
      expect(readdirSync(pair[who].folder)).not.toContain('previous.pem')
      expect((await open(pair, who, later).identities()).map(({ publicKey }) => publicKey.id)).toEqual([next.id])

      const messages = await proved(pair, before, later)
      expect(await Promise.all(messages.map(async (message) => (await message.content())!.text()))).toEqual(pair.texts)
      expect(messages.map(({ number }) => number)).toEqual(messages.map((_, i) => i + 1))
      const [oldest, newest] = [messages[0]!.entry, messages.at(-1)!.entry]
      const signer = who === 'client' ? 'messageStatement' : 'receiptStatement'
      expect(oldest[signer].from).toEqual(before.id)
      expect(newest[signer].from).toEqual(next.id)
      const { until } = open(pair, 'server', later).evidence(before.id)!
      const signedAt = who === 'client' ? oldest.messageStatement.sentAt : oldest.receiptStatement.receivedAt
      expect(until).toBeGreaterThan(signedAt)
      expect(until).toBeLessThan(Date.now() + HOUR)
      const keptBy = open(pair, who === 'client' ? 'server' : 'client', later)
      expect(keptBy.evidence(before.id)).toMatchObject({ until, revoked: false })
      expect(keptBy.trust(before.id)).toBeUndefined()
    },
  )
})

test('a server that runs on answers as its new key once a client knows it, and as the old one to those who do not', async () => {
  const pair = pairOf('running')
  await using server = await serve(pair)
  const old = await sent(pair, 'as the old one')
  const statement = await rotate(pair, 'server')
  const { fingerprint } = open(pair, 'server').publicKey
  const [, announced] = await server.until(/this server has a new key: (\S+)/)
  expect(announced).toBe(fingerprint)
  expect(await sent(pair, 'not accepted yet')).toBe(old)
  await accept(pair, 'server', statement)
  expect(await sent(pair, 'accepted')).toBe(fingerprint)
  expect((await server.stop()).status).toBe(0)
})

test('a client that nobody told of the rotation is turned away once the overlap is over; its message waits', async () => {
  const pair = pairOf('untold')
  await rotate(pair, 'client')
  await using server = await serve(pair, 2 * HOUR)
  const { status, stderr } = await send(pair, 'too late', 2 * HOUR)
  expect(status).toBe(11)
  expect(stderr).toMatch(/kept in the outbox: 1;[^]*^error: .+\nhint: .+\n$/m)
  expect((await server.stop()).stdout).not.toContain('too late')
})

test.concurrent('a session under a client’s old key ends with the overlap, and the next one is turned away', async () => {
  const pair = pairOf('lasting')
  const { client, server } = pair
  const old = { identity: identity(client.key), peer: server.key.publicKey }
  await using running = await serve(pair)
  const statement = await rotate(pair, 'client', '6s')
  await accept(pair, 'client', statement)
  const dial = (): Promise<SecureSession> => connect({ host: '127.0.0.1', port: Number(pair.at.at(-1)), ...old })
  await using session = await dial()
  expect(await session.send('in time')).toMatchObject({ outcome: 'stored' })
  expect(await session.closed).toMatchObject({ reason: REASON.goingAway })
  const { until } = open(pair, 'server').evidence(client.key.publicKey.id)!
  expect(Date.now()).toBeGreaterThan(until!)
  await expect(dial()).rejects.toMatchObject({ code: 'UNTRUSTED' })
  expect((await running.stop()).status).toBe(0)
})

test.concurrent('a client that stays meets the server again under its new key once the overlap of the old one is over', async () => {
  const pair = pairOf('staying')
  await using running = await serve(pair)
  await using receiving = start('client', ['receive', '--follow', ...pair.at], { root: pair.client.root })
  await running.until(/staying-client is connected/)
  const statement = await rotate(pair, 'server', '6s')
  await accept(pair, 'server', statement)
  await running.until(/staying-client has left[^]*staying-client is connected/)
  const { until } = open(pair, 'client').evidence(pair.server.key.publicKey.id)!
  expect(Date.now()).toBeGreaterThan(until!)
  expect((await receiving.stop()).status).toBe(0)
  expect((await running.stop()).status).toBe(0)
})
