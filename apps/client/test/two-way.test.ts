/** Both ways: the server sends too, and the client receives, stores and countersigns just as a server does. */
import { type Home, type Outcome, run, type Running, Sandbox } from '@countersign/testing'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

let sandbox: Sandbox

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

interface Pair {
  readonly server: Home
  readonly client: Home
}

function client({ client: home }: Pair, words: string[], input = ''): Promise<Outcome> {
  return run('client', words, { root: home.root, input })
}

function server({ server: home }: Pair, words: string[], input = ''): Promise<Outcome> {
  return run('server', words, { root: home.root, input })
}

function records<T = Record<string, unknown>>(stdout: string): T[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

function script(home: Home, lines: string): string {
  const path = join(home.root, 'run.sh')
  writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 })
  return path
}

test('a command that is sent to a client is run there, and its output is the answer that names it', async () => {
  const pair = sandbox.pair()
  const serving = await sandbox.serve(pair.server, '--json')
  const main = join(import.meta.dirname, '../src/main.ts')
  const again = `"${process.execPath}" "${main}" send --in-reply-to "$COUNTERSIGN_MESSAGE_ID" ${serving.at.join(' ')}`
  const program = script(pair.client, `sh | ${again}`)
  const follow = ['receive', '--follow', '--exec', program, ...serving.at]
  const receiving = sandbox.start('client', follow, pair.client)
  const sent = await server(pair, ['send', pair.client.name, '--id', 'job-1', 'echo $((6 * 7))'])
  expect(sent.stdout).toMatch(/^#1 {2}stored by client-\d+ at .*, receipt verified\n$/)
  await receiving.until(/ {4}id: job-1\n {4}echo \$\(\(6 \* 7\)\)\n/)
  await serving.server.until(/"in-reply-to":"job-1".*"text":"42\\n"/)
  const answers = await server(pair, ['inbox', 'list', '--in-reply-to', 'job-1', '--json'])
  expect(records(answers.stdout)).toEqual([expect.objectContaining({ attributes: { 'in-reply-to': 'job-1' }, length: 3 })])
  expect((await server(pair, ['inbox', 'list', '--in-reply-to', 'job-2'])).stdout).toBe('')
  expect((await receiving.stop('SIGINT')).status).toBe(0)
})

test('two people talk: each side types lines, and reads those of the other', async () => {
  const pair = sandbox.pair()
  const serving = await sandbox.serve(pair.server)
  const reading = sandbox.start('client', ['receive', '--follow', ...serving.at], pair.client)
  const atClient = sandbox.start('client', ['send', '--lines', ...serving.at], pair.client)
  const atServer = sandbox.start('server', ['send', pair.client.name, '--lines'], pair.server)
  atClient.write('hello?\n')
  await serving.server.until(/hello\?/)
  atServer.write('hello!\n')
  await reading.until(/hello!/)
  atClient.endInput('bye\n')
  await serving.server.until(/bye/)
  atServer.endInput('so long\n')
  await reading.until(/so long/)
  expect([await atClient.ended, await atServer.ended].map(({ status }) => status)).toEqual([0, 0])
})

test('what is queued for a client is listed, dropped, received when it comes, and proved to have been', async () => {
  const pair = sandbox.pair()
  const { client: home } = pair
  const queued = await server(pair, ['send', home.name, '--lines', '--no-wait', '--json'], 'one\ntwo\nthree\n')
  expect(records(queued.stdout)).toEqual([1, 2, 3].map((id) => ({ outcome: 'queued', id, number: id, to: home.name })))
  expect((await server(pair, ['outbox', 'drop', '2'])).status).toBe(0)
  const late = await server(pair, ['send', home.name, 'four', '--wait', '0s'])
  expect([late.status, late.stderr]).toEqual([8, expect.stringMatching(/^kept in the outbox: 1; .*\nerror: .* in time\nhint: /)])

  const { at } = await sandbox.serve(pair.server)
  const waiting = sandbox.start('server', ['outbox', 'retry'], pair.server)
  await waiting.until(/waiting for client-\d+ to receive/)
  const received = await client(pair, ['receive', '--limit', '3', '--wait', '60s', '--json', ...at])
  expect([received.status, received.stderr]).toEqual([0, ''])
  expect(records(received.stdout).map(({ text }) => text)).toEqual(['one', 'three', 'four'])
  expect((await waiting.ended).stdout.match(/^#\d+ {2}\w+ by/gm)).toEqual([
    '#1  stored by',
    '#2  withdrawn by',
    '#3  stored by',
    '#4  stored by',
  ])
  const nothing = await client(pair, ['receive', '--wait', '1s', ...at])
  expect([nothing.status, nothing.stdout]).toEqual([0, ''])

  const folder = join(pair.server.root, 'evidence')
  await server(pair, ['receipts', 'export', '3', folder])
  expect((await client(pair, ['verify', folder])).stdout).toMatch(/^verified /)
  expect((await client(pair, ['inbox', 'cat', '2'])).stdout).toBe('three')
  expect((await client(pair, ['inbox', 'verify'])).status).toBe(0)
})

test('one process at a time receives for a home; one that is asked for so many messages ends by itself', async () => {
  const pair = sandbox.pair()
  const { at } = await sandbox.serve(pair.server)
  const first = sandbox.start('client', ['receive', '--follow', '--limit', '1', '--in-reply-to', 'q', ...at], pair.client)
  await server(pair, ['send', pair.client.name, 'something else'])
  const second = await client(pair, ['receive', ...at])
  expect([second.status, second.stderr]).toEqual([
    14,
    expect.stringMatching(/^error: another process .*receives already; nothing was done\nhint: /),
  ])
  await server(pair, ['send', pair.client.name, 'the answer', '--in-reply-to', 'q'])
  const { status, stdout } = await first.ended
  expect(status).toBe(0)
  expect(stdout).toContain('the answer')
  expect(stdout).not.toContain('something else')
})

test('a client that stays leaves a server that is no longer trusted', async () => {
  const pair = sandbox.pair()
  const { at } = await sandbox.serve(pair.server)
  const receiving = sandbox.start('client', ['receive', '--follow', ...at], pair.client)
  await server(pair, ['send', pair.client.name, 'good morning'])
  sandbox.revoke(pair.client, pair.server)
  const { status, stderr } = await receiving.ended
  expect([status, stderr]).toEqual([10, expect.stringMatching(/^error: server-\d+ is no longer trusted here\nhint: /m)])
})

test('each message of a server is stored at its client once, in order, though both are killed again and again', async () => {
  const pair = sandbox.pair()
  const first = await sandbox.serve(pair.server)
  const at = ['--host', '127.0.0.1', '--port', first.port]
  const receive = (): Running => sandbox.start('client', ['receive', '--follow', '--quiet', ...at], pair.client)
  const lines = Array.from({ length: 600 }, (_, i) => `line ${i + 1}`)
  const sending = sandbox.start('server', ['send', pair.client.name, '--lines', '--json'], pair.server)
  let serving = first.server
  let receiving = receive()
  for (let at = 0; at < lines.length; at += 100) {
    sending.write(lines.slice(at, at + 100).join('\n') + '\n')
    // Somewhere in the middle of these, by the lines that the other side has seen.
    await receiving.until(new RegExp(`line ${at + 10 + ((at * 7) % 60)}\\n`))
    const killed = at % 200 === 0 ? receiving : serving
    killed.kill('SIGKILL')
    await killed.ended
    if (killed === receiving) receiving = receive()
    else serving = sandbox.start('server', ['--host', '127.0.0.1', '--port', first.port], pair.server)
  }
  sending.endInput()
  const { status, stdout } = await sending.ended
  expect(status).toBe(0)
  expect(records(stdout).map(({ number, outcome }) => [number, outcome])).toEqual(lines.map((_, i) => [i + 1, 'stored']))
  const folder = join(pair.client.root, 'evidence')
  await client(pair, ['inbox', 'export', `1-${lines.length}`, folder])
  expect(lines.map((_, i) => readFileSync(join(folder, `${i + 1}/body`), 'utf8'))).toEqual(lines)
  expect(existsSync(join(folder, String(lines.length + 1)))).toBe(false)
  expect((await client(pair, ['inbox', 'verify'])).stdout).toMatch(new RegExp(`and the ${lines.length} messages they are for`))
})
