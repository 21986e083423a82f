/** What a server logs: enough to run it, no secret, and no more than a disk can hold. */
import { PeerError } from '@countersign/core'
import { run, Sandbox } from '@countersign/testing'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Log } from '../src/log.ts'
import { TurnedAway } from '../src/turned-away.ts'

const sandbox = new Sandbox()
afterAll(() => sandbox[Symbol.asyncDispose]())

const PASSPHRASE = 'correct horse battery staple'

/** What nobody but the key's owner may know: the lines of its PEM files, and what is in them. */
function secretsOf(...files: readonly string[]): string[] {
  const lines = files
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .filter((line) => /^[A-Za-z0-9+/=]{40,}$/.test(line))
  const inside = lines.flatMap((line) => [line, Buffer.from(line, 'base64').toString('hex')])
  return [PASSPHRASE, ...inside]
}

test('at the level trace, as JSON, with and without failures, logs hold no secret, and messages stay on standard output', async () => {
  const { server: home, client } = sandbox.pair()
  const identity = join(home.folder, 'identity.pem')
  const secrets = secretsOf(identity)
  const [good, wrong] = ['good', 'wrong'].map((name) => join(sandbox.folder, name)) as [string, string]
  writeFileSync(good, `${PASSPHRASE}\n`, { mode: 0o600 })
  writeFileSync(wrong, `not the ${PASSPHRASE}\n`, { mode: 0o600 })
  const changed = await run('keys', ['passwd', '--as', 'server', '--new-passphrase-file', good], { root: home.root })
  expect([changed.status, changed.stderr]).toEqual([0, ''])
  secrets.push(...secretsOf(identity))
  expect(secrets.length).toBeGreaterThan(5)

  const words = ['--json', '--log-format', 'json', '--log-level', 'trace', '--passphrase-file']
  const { server, at } = await sandbox.serve(home, ...words, good)
  expect((await run('client', ['send', 'a message', ...at], { root: client.root })).status).toBe(0)
  const stranger = sandbox.home('client', 'stranger')
  sandbox.trust(stranger, home)
  expect((await run('client', ['send', 'let me in', ...at], { root: stranger.root })).status).toBe(11)
  const served = await server.stop()
  const failed = await run('server', [...words, wrong], { root: home.root })
  expect([served.status, failed.status]).toEqual([0, 6])

  const lines = served.stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  for (const line of lines)
    expect(line).toEqual(
      expect.objectContaining({ level: expect.any(String), time: expect.any(String), msg: expect.any(String) }),
    )
  expect(lines).toContainEqual(expect.objectContaining({ level: 'trace', frame: 'HELLO', sent: false }))
  expect(lines).toContainEqual(expect.objectContaining({ level: 'info', event: 'connected', peer: client.name }))
  expect(lines).toContainEqual(expect.objectContaining({ level: 'info', event: 'turned away', code: 'UNTRUSTED' }))
  const results = served.stdout
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { event: string }).event)
  expect(results).toEqual(['listening', 'message'])
  expect(served.stderr).not.toContain('a message')
  expect(failed.stderr).toMatch(/^error: the passphrase is missing or wrong/m)
  for (const text of [served.stdout, served.stderr, failed.stdout, failed.stderr]) {
    for (const secret of secrets) expect(text).not.toContain(secret)
  }
})

test('a level leaves out what is below it', async () => {
  const { server: home, client } = sandbox.pair('rsa')
  const { server, at } = await sandbox.serve(home, '--log-level', 'warn')
  expect((await run('client', ['send', 'quietly', ...at], { root: client.root })).status).toBe(0)
  expect(await server.stop()).toMatchObject({ status: 0, stderr: '' })
})

describe('a flood of connections that come to nothing', () => {
  let written: string[]

  beforeEach(() => {
    vi.useFakeTimers()
    written = []
    vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
      written.push(String(line))
      return true
    })
  })
  afterEach(() => {
    vi.restoreAllMocks()
    vi.useRealTimers()
  })

  test('is told as ten lines and a sum every ten seconds, with nothing lost from the sum', async () => {
    using turnedAway = new TurnedAway(await Log.open('text', 'info'))
    const flood = (): void => {
      for (let i = 0; i < 1000; i++) turnedAway.add(new PeerError('HELLO_REJECTED'), '192.0.2.1')
      for (let i = 0; i < 500; i++) turnedAway.add({ code: 'OVERLOAD', message: 'too many handshakes are open' }, '192.0.2.2')
    }
    flood()
    expect(written).toHaveLength(10)
    vi.advanceTimersByTime(10_000)
    expect(written).toHaveLength(11)
    expect(written.at(-1)).toBe('turned away 1490 more connections in 10 s: HELLO_REJECTED 990, OVERLOAD 500\n')
    flood()
    expect(written).toHaveLength(21)
    turnedAway[Symbol.dispose]()
    expect(written).toHaveLength(22)
    vi.advanceTimersByTime(60_000)
    expect(written).toHaveLength(22)
  })
})
