/** The outbox: nothing that was sent is lost while the server is away, and what was countersigned can be shown. */
import { type Home, type Outcome, run, Sandbox } from '@countersign/testing'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

let sandbox: Sandbox

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

const nowhere = ['--host', '127.0.0.1', '--port', '1']

function client(home: Home, words: string[], input = ''): Promise<Outcome> {
  return run('client', words, { root: home.root, input })
}

/** What a program printed with --json. */
function records<T = Record<string, unknown>>({ stdout }: Outcome): T[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

test('what is sent while the server is away is kept, and sent with its numbers once it is there', async () => {
  const home = sandbox.pair()
  const away = await client(home.client, ['send', '--lines', ...nowhere], 'one\ntwo\nthree\n')
  expect(away.status).toBe(8)
  expect(away.stderr).toMatch(/^kept in the outbox: 3; `outbox retry` .*\nerror: no connection: .*\nhint: .*\n$/)
  const queued = records(await client(home.client, ['outbox', 'list', '--queued', '--json']))
  expect(queued).toEqual(
    [1, 2, 3].map((id) => expect.objectContaining({ id, number: id, to: home.server.name, outcome: 'queued' })),
  )

  const { server, at } = await sandbox.serve(home.server, '--json')
  const retried = await client(home.client, ['outbox', 'retry', ...at])
  expect(retried.status).toBe(0)
  expect(retried.stdout.match(/#\d+ {2}stored by server-\d+ at .*, receipt verified/g)).toHaveLength(3)
  expect((await client(home.client, ['outbox', 'list', '--queued'])).stdout).toBe('')
  const messages = records(await server.stop()).filter(({ event }) => event === 'message')
  expect(messages.map(({ number, text }) => [number, text])).toEqual([
    [1, 'one'],
    [2, 'two'],
    [3, 'three'],
  ])
})

test('with --retry a client waits for its server, and goes on where it was when the server is killed', async () => {
  const home = sandbox.pair()
  const first = await sandbox.serve(home.server)
  const sending = sandbox.start('client', ['send', '--lines', '--retry', '10m', ...first.at], home.client)
  sending.write('before\n')
  await sending.until(/^#1 {2}stored/m)
  first.server.kill('SIGKILL')
  await first.server.ended
  sending.write('while it is away\n')
  await sending.until(/trying again in/)
  const second = sandbox.start('server', ['--host', '127.0.0.1', '--port', first.port], home.server)
  await sending.until(/^#2 {2}stored/m)
  sending.endInput('after\n')
  const { status, stdout } = await sending.ended
  expect(status).toBe(0)
  expect(stdout.match(/^#\d+ {2}stored/gm)).toEqual(['#1  stored', '#2  stored', '#3  stored'])
  await second.until(/after/)
  const inbox = await run('server', ['inbox', 'list', '--json'], { root: home.server.root })
  expect(records(inbox).map(({ number }) => number)).toEqual([1, 2, 3])
})

test('clients of one home that send at once get every receipt, each for its own messages, once', async () => {
  const home = sandbox.pair()
  const { server, at } = await sandbox.serve(home.server, '--json')
  const words = ['red', 'green', 'blue', 'white']
  const sent = await Promise.all(
    words.map((word) => client(home.client, ['send', '--lines', '--json', ...at], `${word} 1\n${word} 2\n${word} 3\n`)),
  )
  expect(sent.map(({ status, stderr }) => stderr + status)).toEqual(words.map(() => '0'))
  const numbers = sent.flatMap((outcome) => records<{ number: number }>(outcome).map(({ number }) => number))
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
  const messages = records<{ event: string; number: number; text: string }>(await server.stop()).slice(1)
  expect(messages.map(({ number }) => number)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
  for (const word of words) {
    const own = messages.map(({ text }) => text).filter((text) => text.startsWith(word))
    expect(own).toEqual([1, 2, 3].map((i) => `${word} ${i}`))
  }
})

test('a message that is dropped before it was sent never arrives; one that has arrived cannot be dropped', async () => {
  const home = sandbox.pair()
  await client(home.client, ['send', 'a secret', ...nowhere])
  await client(home.client, ['send', 'a greeting', ...nowhere])
  expect((await client(home.client, ['outbox', 'drop', '1'])).status).toBe(0)
  const { server, at } = await sandbox.serve(home.server)
  const retried = await client(home.client, ['outbox', 'retry', ...at])
  expect(retried.stdout).toMatch(/^#1 {2}withdrawn by .*\n#2 {2}stored by .*\n$/)
  const late = await client(home.client, ['outbox', 'drop', '2'])
  expect(late.stderr).toMatch(/^error: message 2 has its receipt already \(stored\); nothing was changed\nhint: /)
  expect(late.status).toBe(10)
  const { stdout } = await server.stop()
  expect(stdout).toContain('a greeting')
  expect(stdout).not.toContain('a secret')

  // Evidence that holds may be that of a message which nobody took: the outcome stands beside the word.
  const evidence = join(home.client.root, 'evidence')
  await client(home.client, ['receipts', 'export', 'all', evidence])
  const verified = await client(home.client, ['verify', evidence])
  const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`
  expect(verified.stdout).toMatch(new RegExp(`/1\n    message 1, sent ${time}, withdrawn ${time}\n`))
  expect(verified.stdout).toMatch(new RegExp(`/2\n    message 2, sent ${time}, stored ${time}\n`))
  const [record] = records(await client(home.client, ['verify', evidence, '--json']))
  expect(record).toMatchObject({ verified: true, number: 1, outcome: 'withdrawn' })
})

test('receipts are exported as evidence that verifies; one byte changed is named', async () => {
  const home = sandbox.pair()
  const { at } = await sandbox.serve(home.server)
  await client(home.client, ['send', '--lines', ...at], 'one\ntwo\n')
  const folder = join(home.client.root, 'evidence')
  expect((await client(home.client, ['receipts', 'export', 'all', folder])).status).toBe(0)
  const [first, second] = records(await client(home.client, ['verify', folder, '--json']))
  for (const verified of [first, second]) {
    expect(verified).toMatchObject({
      verified: true,
      sender: { name: home.client.name, fingerprint: home.client.key.publicKey.fingerprint },
      receiver: { name: home.server.name, fingerprint: home.server.key.publicKey.fingerprint },
    })
  }
  const path = join(folder, '2', 'message.sig')
  const signature = readFileSync(path)
  signature[5]! ^= 1
  writeFileSync(path, signature)
  const changed = await client(home.client, ['verify', folder])
  expect(changed.status).toBe(13)
  expect(changed.stdout).toMatch(/^verified .*\/1$/m)
  expect(changed.stdout).toMatch(/^does not verify .*\/2\n {4}message\.sig: /m)
  expect(changed.stderr).toMatch(/^error: 1 of 2 do not verify\nhint: /)
})

test('a message is shown with its receipt, and receipts are listed with what they are for', async () => {
  const home = sandbox.pair()
  const { at } = await sandbox.serve(home.server)
  const file = join(home.client.root, 'a report.txt')
  writeFileSync(file, 'all is well')
  await client(home.client, ['send', '--file', file, ...at])
  await client(home.client, ['send', 'not there yet', ...nowhere])
  const shown = await client(home.client, ['outbox', 'show', '1'])
  expect(shown.stdout).toMatch(
    /^ {5}1 {2}\S+Z {2}server-\d+ #1 {2}stored {2}.*a report\.txt\n[^]*\n#1 {2}stored by server-\d+ at .*, receipt verified\n$/,
  )
  const waits = await client(home.client, ['outbox', 'show', '2'])
  expect(waits.stdout).toMatch(/^ {5}2 {2}\S+Z {2}server-\d+ #2 {2}queued {2}\S+ bytes\n[^#]*$/)
  const listed = records(await client(home.client, ['receipts', 'list', '--json']))
  expect(listed).toEqual([expect.objectContaining({ number: 1, outcome: 'stored', verified: true, index: 1 })])
  const early = await client(home.client, ['receipts', 'export', '2', join(home.client.root, 'early')])
  expect([early.status, early.stderr]).toEqual([4, expect.stringMatching(/^error: message 2 has no receipt yet\nhint: /)])
})

test('a folder without evidence, or a file, is another one than was meant', async () => {
  const file = join(sandbox.folder, 'a letter')
  writeFileSync(file, 'not evidence')
  for (const path of [mkdtempSync(join(sandbox.folder, 'empty-')), file]) {
    const { status, stderr } = await run('client', ['verify', path], { root: join(sandbox.folder, 'nobody') })
    expect(stderr).toBe(`error: there is no evidence in ${path}\nhint: name a folder that an export has written\n`)
    expect(status).toBe(4)
  }
})

test('evidence verifies without a home; its keys are then nobody that is known', async () => {
  const home = sandbox.pair()
  const { at } = await sandbox.serve(home.server)
  await client(home.client, ['send', 'hello', ...at])
  const folder = join(home.client.root, 'evidence')
  await client(home.client, ['receipts', 'export', '1', folder])
  const { status, stdout } = await run('client', ['verify', folder], { root: join(sandbox.folder, 'nobody') })
  expect(status).toBe(0)
  expect(stdout).toContain(`${home.client.key.publicKey.fingerprint}  a key that this home does not know: compare it`)
})

test.each([
  [['outbox', 'show', '99'], 4, /there is no message 99 in the outbox/],
  [['receipts', 'export', '1', '.'], 3, /\. exists; nothing was written/],
  [['outbox', 'show', 'x'], 2, /An id is a number from 1/],
])('%j fails with status %i', async (words, status, error) => {
  const home = sandbox.pair()
  await client(home.client, ['send', 'hello', ...nowhere])
  const outcome = await client(home.client, words)
  expect(outcome.stderr).toMatch(error)
  expect(outcome.stderr.match(/^(error|hint): /gm)).toEqual(['error: ', 'hint: '])
  expect(outcome.status).toBe(status)
})

test('--ephemeral leaves nothing behind on either side, and its receipts do not say stored', async () => {
  const home = sandbox.pair()
  const { server, at } = await sandbox.serve(home.server, '--ephemeral')
  const { stdout } = await client(home.client, ['send', 'gone tomorrow', '--ephemeral', ...at])
  expect(stdout).toMatch(/^#1 {2}received, not stored by /)
  await server.until(/gone tomorrow/)
  await server.stop()
  expect((await client(home.client, ['outbox', 'list'])).stderr).toMatch(/^error: there is no outbox/)
  expect((await run('server', ['inbox', 'list'], { root: home.server.root })).stderr).toMatch(/^error: there is no journal/)
})
