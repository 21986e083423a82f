/** What a server promises those it serves: to keep them apart, to follow its home, and to owe nobody a receipt. */
import { type Home, run, Sandbox } from '@countersign/testing'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

let sandbox: Sandbox

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

interface MessageLine {
  readonly event: string
  readonly from: { readonly name: string; readonly fingerprint: string }
  readonly number: number
  readonly text: string
}

function messagesIn(stdout: string): MessageLine[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as MessageLine)
    .filter(({ event }) => event === 'message')
}

test('two servers and five clients at once, each pair with its own keys, keep their messages apart', async () => {
  const servers = ['east', 'west'].map((name) => sandbox.home('server', name))
  const clients = ['ann', 'bob', 'cat', 'dan', 'eve'].map((name) => sandbox.home('client', name))
  const pairs = servers.flatMap((server, i) => clients.filter((_, j) => i === 0 || j > 0).map((client) => ({ server, client })))
  for (const { server, client } of pairs) {
    sandbox.trust(server, client)
    sandbox.trust(client, server)
  }
  const running = new Map(
    await Promise.all(servers.map(async (server) => [server, await sandbox.serve(server, '--json')] as const)),
  )
  const words = ({ server, client }: { server: Home; client: Home }): string[] =>
    ['first', 'second', 'third'].map((word) => `${word} of ${client.name} for ${server.name}`)
  const sent = await Promise.all(
    pairs.map((pair) =>
      run('client', ['send', '--lines', '--to', pair.server.name, ...running.get(pair.server)!.at], {
        root: pair.client.root,
        input: words(pair).join('\n'),
      }),
    ),
  )
  expect(sent.map(({ status, stderr }) => stderr + status)).toEqual(pairs.map(() => '0'))
  for (const server of servers) {
    const { stdout } = await running.get(server)!.server.stop()
    const messages = messagesIn(stdout)
    const expected = pairs.filter((pair) => pair.server === server)
    expect(messages).toHaveLength(3 * expected.length)
    for (const pair of expected) {
      const { fingerprint } = pair.client.key.publicKey
      const own = messages.filter(({ from }) => from.fingerprint === fingerprint)
      expect(own.map(({ text }) => text)).toEqual(words(pair))
      expect(own.map(({ from }) => from.name)).toEqual(own.map(() => pair.client.name))
    }
  }
})

test('a peer whose key is revoked while it is connected is sent away at once, and let in no more', async () => {
  const server = sandbox.home('server', 'watchful')
  const client = sandbox.home('client', 'fallen')
  sandbox.trust(server, client)
  sandbox.trust(client, server)
  const { server: running, at } = await sandbox.serve(server)
  const sending = sandbox.start('client', ['send', '--lines', ...at], client)
  sending.write('before\n')
  await sending.until(/receipt verified/)
  sandbox.revoke(server, client)
  const { status, stderr } = await sending.ended
  expect(stderr).toMatch(/^error: the key is revoked/m)
  expect(status).toBe(10)
  expect((await run('client', ['send', 'again', ...at], { root: client.root })).status).toBe(10)
  expect((await running.stop()).stdout).not.toContain('again')
})

test('a peer that is dropped into the home of a running server is let in', async () => {
  const server = sandbox.home('server', 'welcoming')
  const client = sandbox.home('client', 'newcomer')
  sandbox.trust(client, server)
  const { server: running, at } = await sandbox.serve(server)
  const send = (): Promise<{ status: number | null }> => run('client', ['send', 'hello', ...at], { root: client.root })
  expect((await send()).status).toBe(11)
  sandbox.trust(server, client)
  // The home is read anew a moment after the file came.
  for (let tries = 0; tries < 20 && (await send()).status !== 0; tries++);
  await running.until(/newcomer #/)
})

test("a peer's file name is shown and is no path: nothing is written where it points", async () => {
  const server = sandbox.home('server', 'careful')
  const client = sandbox.home('client', 'climber')
  sandbox.trust(server, client)
  sandbox.trust(client, server)
  const { server: running, at } = await sandbox.serve(server)
  const { connect, identity } = await import('@countersign/core')
  await using session = await connect({
    host: '127.0.0.1',
    port: Number(at.at(-1)),
    identity: identity(client.key),
    peer: server.key.publicKey,
  })
  const names = ['../../climbed.txt', join(sandbox.folder, 'climbed.txt'), '..\\climbed.txt', '.', '']
  for (const name of names) await session.send('up', { name })
  await running.until(/\.\.\/\.\.\/climbed\.txt/)
  const written = readdirSync(sandbox.folder, { recursive: true, encoding: 'utf8' })
  expect(written.filter((path) => path.includes('climbed'))).toEqual([])
  expect(existsSync(join(sandbox.folder, '../climbed.txt'))).toBe(false)
})

test('stopped under load, a server leaves no message that it took without its receipt', async () => {
  const server = sandbox.home('server', 'laden')
  const client = sandbox.home('client', 'loader')
  sandbox.trust(server, client)
  sandbox.trust(client, server)
  const path = join(sandbox.folder, 'load.txt')
  writeFileSync(path, Array.from({ length: 30_000 }, (_, i) => `line ${i}\n`).join(''))
  const { server: running, at } = await sandbox.serve(server, '--json')
  const sending = sandbox.start('client', ['send', '--lines', '--json', ...at], client)
  // The input stays open, so that it is the server who ends.
  const { readFileSync } = await import('node:fs')
  sending.write(readFileSync(path))
  await running.until(/"number":2000,/)
  const stopped = await running.stop()
  const ended = await sending.ended
  expect(stopped.status).toBe(0)
  const taken = messagesIn(stopped.stdout).map(({ number }) => number)
  const receipts = [...ended.stdout.matchAll(/"outcome":"\w+","number":(\d+)/g)].map(([, number]) => Number(number))
  expect(taken.length).toBeGreaterThanOrEqual(2000)
  expect(receipts).toEqual(taken)
  expect(taken).toEqual(taken.map((_, i) => i + 1))
  expect(ended.status).not.toBe(0)
  expect(ended.stderr).toMatch(/^error: /m)
})
