/** Trust that is given and taken back with the real programs, while the server runs on. */
import { connect, identity, isError } from '@countersign/core'
import { type Home, type Outcome, run, Sandbox } from '@countersign/testing'
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

let sandbox: Sandbox

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

/** Swaps keys with `keys swap`, under a code, both sides accepting. */
async function swap(server: Home, client: Home): Promise<void> {
  const listener = sandbox.start('keys', ['swap', '--listen', '127.0.0.1:0', '--yes', '--json', '--peer', client.name], server)
  const [event] = await listener.until(/^\{.*"code".*$/m)
  const { code, address } = JSON.parse(event) as { code: string; address: string }
  const words = ['swap', '--connect', address, '--yes', '--code-file', '-', '--peer', server.name]
  const dialed = await run('keys', words, { root: client.root, input: `${code}\n` })
  expect([dialed.status, (await listener.ended).status]).toEqual([0, 0])
}

function send(client: Home, at: readonly string[], text: string): Promise<Outcome> {
  return run('client', ['send', text, ...at], { root: client.root })
}

test('a server that runs on lets in whom it has swapped keys with, and sends away whom it has revoked, open sessions too', async () => {
  const server = sandbox.home('server', 'host')
  const [first, second] = [sandbox.home('client', 'first'), sandbox.home('client', 'second', 'ml-dsa-65')]
  sandbox.trust(first, server)
  const { server: running, at } = await sandbox.serve(server)
  const stranger = await send(first, at, 'too early')
  expect(stranger.status).toBe(11)
  expect(stranger.stderr).toMatch(/^error: the peer is not trusted.*\nhint: .+/m)

  await swap(server, first)
  const open = sandbox.start('client', ['send', '--lines', ...at], first)
  open.write('hello from the first\n')
  await open.until(/receipt verified/)
  await using session = await connect({
    host: '127.0.0.1',
    port: Number(at.at(-1)),
    identity: identity(first.key),
    peer: server.key.publicKey,
  })

  const revoked = await run('keys', ['revoke', first.name], { root: server.root })
  expect([revoked.status, revoked.stderr]).toEqual([0, ''])
  const { error, reason } = await session.closed
  expect([isError(error, 'REVOKED'), reason]).toEqual([true, 7])
  const ended = await open.ended
  expect(ended.status).toBe(10)
  expect(ended.stderr).toMatch(/^error: the key is revoked.*\nhint: .+\n/m)
  const again = await send(first, at, 'after it was revoked')
  expect(again.status).toBe(10)
  expect(again.stderr).toMatch(/^error: the key is revoked.*\nhint: .+\n/m)

  await swap(server, second)
  const welcome = await send(second, at, 'hello from the second')
  expect([welcome.stderr, welcome.status]).toEqual(['', 0])
  await running.until(/hello from the second/)
  const { status, stdout } = await running.stop()
  expect(status).toBe(0)
  expect(stdout).toContain('hello from the first')
  expect(stdout).not.toContain('after it was revoked')
})

test('who is revoked while a server waits for its passphrase is not let in', async () => {
  const { server, client } = sandbox.pair()
  // As `keys init` makes it: a folder that the server has to make itself shows it that something has changed.
  mkdirSync(join(server.folder, 'chains'), { mode: 0o755 })
  const [secret, asked] = [join(sandbox.folder, 'secret'), join(sandbox.folder, 'asked')]
  writeFileSync(secret, 'correct horse\n', { mode: 0o600 })
  execFileSync('mkfifo', [asked])
  expect((await run('keys', ['passwd', '--new-passphrase-file', secret], { root: server.root })).status).toBe(0)
  const starting = sandbox.serve(server, '--passphrase-file', asked)
  // It opens once somebody reads it: the server, which has read its home by then.
  await using answer = await open(asked, 'w')
  expect((await run('keys', ['revoke', client.name], { root: server.root })).status).toBe(0)
  await answer.writeFile('correct horse\n')
  await answer.close()
  const { at } = await starting
  const sent = await send(client, at, 'after it was revoked')
  expect(sent.status).toBe(10)
  expect(sent.stderr).toMatch(/^error: the key is revoked.*\nhint: .+\n/m)
})
