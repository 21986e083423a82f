/** What was put back from an older copy, with the real programs: both sides say so, and nothing is lost in silence. */
import { identity } from '@countersign/core'
import { openOutbox } from '@countersign/store'
import { type Home, type Outcome, run, type Running, Sandbox } from '@countersign/testing'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let sandbox: Sandbox

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

interface Pair {
  readonly server: Home
  readonly client: Home
}

function stateOf({ root, role }: Home, name: string): string {
  return join(root, 'state', role, name)
}

/** Takes a database away, and what stands beside it. */
function remove(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-items']) rmSync(`${path}${suffix}`, { recursive: true, force: true })
}

/** A copy of a database that nobody has open, by hand. */
function copy(from: string, to: string): void {
  remove(to)
  for (const suffix of ['', '-items']) cpSync(`${from}${suffix}`, `${to}${suffix}`, { recursive: true, force: true })
}

function server({ server: { root } }: Pair, ...words: string[]): Promise<Outcome> {
  return run('server', words, { root })
}

function client({ client: { root } }: Pair, ...words: string[]): Promise<Outcome> {
  return run('client', words, { root })
}

function metricsOf(socketPath: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const asked = request({ socketPath, path: '/metrics' }, (response) => void text(response).then(resolve, reject))
  asked.on('error', reject).end()
  return promise
}

/** What a program said in JSON that its operator has to see to. */
function noticesIn(stdout: string): Record<string, unknown>[] {
  const records = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  return records.filter(({ event }) => event === 'notice')
}

/** Those of a program that runs, once there are so many: its two streams are read one by one, and what is said on one may be here first. */
async function noticesOf(running: Running, count: number): Promise<Record<string, unknown>[]> {
  await running.until(new RegExp(`(?:[^]*?"event":"notice".*\\n){${count}}`))
  return noticesIn(running.stdout)
}

function textsIn({ stdout }: Pick<Running, 'stdout'>): string[] {
  return [...stdout.matchAll(/"text":"([^"]*)"/g)].map(([, text]) => text!)
}

/** A server that had these messages, was restored from a backup that has only the first of them, and is about to start. */
async function restored(...texts: readonly string[]): Promise<Pair> {
  const pair = sandbox.pair()
  const { server: serving, at } = await sandbox.serve(pair.server)
  const backup = join(pair.server.root, 'backup.db')
  for (const [i, text] of texts.entries()) {
    expect((await client(pair, 'send', text, ...at)).status).toBe(0)
    if (i === 0) await server(pair, 'inbox', 'backup', backup)
  }
  await serving.stop()
  remove(stateOf(pair.server, 'journal.db'))
  expect((await server(pair, 'inbox', 'restore', backup)).status).toBe(0)
  return pair
}

describe('a server restored from an older journal', () => {
  test('says so when it serves, and who comes back; the client says what it sends again', async () => {
    const pair = await restored('one', 'two')
    const socket = join(pair.server.root, 'metrics.sock')
    const { server: serving, at } = await sandbox.serve(pair.server, '--json', '--metrics', `unix:${socket}`)
    await serving.until(
      /this journal was restored at \S+ from a backup of 1 messages: .*; 1 of their outboxes have not been heard/,
    )
    const told = { event: 'notice', code: 'JOURNAL_RESTORED', about: 'journal', messages: 1, unheard: 1 }
    expect(await noticesOf(serving, 1)).toEqual([expect.objectContaining(told)])
    const status = async (): Promise<unknown> => JSON.parse((await server(pair, 'status', '--json')).stdout)
    expect(await status()).toMatchObject({ journal: { restored: { messages: 1, unheard: 1 } } })

    const metrics = await metricsOf(socket)
    expect(metrics).toMatch(/^countersign_journal_restored_seconds 1\d{9}/m)
    expect(metrics).toMatch(/^countersign_journal_unheard 1$/m)

    const sent = await client(pair, 'send', 'three', '--json', ...at)
    expect(sent.status).toBe(0)
    expect(sent.stderr).toContain(`${pair.server.name} has lost messages that it had given receipts for: keep the receipts`)
    expect(sent.stderr).toContain('\n  sent again as they were: 2\n')
    expect(noticesIn(sent.stdout)).toEqual([
      expect.objectContaining({
        code: 'SERVER_REGRESSED',
        about: 'outbox',
        peer: pair.server.name,
        resent: [{ serial: 2, count: 1 }],
      }),
    ])
    await serving.until(/comes for the first time since this journal was restored: from #2 on it sends again/)
    expect((await noticesOf(serving, 2))[1]).toMatchObject({
      code: 'SERVER_REGRESSED',
      about: 'journal',
      peer: pair.client.name,
      number: 2,
      elsewhere: false,
    })
    await serving.until(/"text":"three"/)
    expect(textsIn(serving)).toEqual(['two', 'three'])
    expect(await status()).toMatchObject({ journal: { restored: { messages: 1, unheard: 0 } } })
    expect((await server(pair, 'status')).stdout).toMatch(/^restored {4}at \S+Z from a backup of 1 messages; 0 outboxes/m)
    expect((await server(pair, 'doctor')).stdout).toMatch(/journal .*it was restored at \S+Z from a backup of 1 messages/)
    expect((await serving.stop()).status).toBe(0)
    expect((await server(pair, 'inbox', 'verify')).status).toBe(0)
  })

  test('whose client no longer holds what was lost: it comes at another outbox, and both say what that means', async () => {
    const pair = await restored('one', 'two')
    const outbox = await openOutbox(stateOf(pair.client, 'outbox.db'), { identity: identity(pair.client.key), keepBytes: 0 })
    await outbox.prune()
    await outbox.close()
    const { server: serving, at } = await sandbox.serve(pair.server, '--log-format', 'json', '--json')
    const sent = await client(pair, 'send', 'three', ...at)
    expect(sent.stderr).toContain('\n  lost there, and no longer held here: 2\n')
    await serving.until(/"text":"three"/)
    const lines = serving.stderr.split('\n').filter((line) => line.includes('"warn"'))
    const warned = lines.map((line) => JSON.parse(line) as { code?: string; msg: string; peer?: string; said?: string })
    expect(warned).toContainEqual(
      expect.objectContaining({
        code: 'SERVER_REGRESSED',
        peer: pair.client.name,
        elsewhere: true,
        msg: expect.stringContaining('at another outbox: what it has receipts for and no longer holds is lost here'),
      }),
    )
    // Its first session ended with a word of its own.
    expect(warned).toContainEqual(
      expect.objectContaining({ event: 'left', said: 'the peer has lost messages that it had given receipts for' }),
    )
    await serving.stop()
  })

  test('as a bare copy, by hand: the client sees that, and the server is told by its word', async () => {
    const pair = sandbox.pair()
    const journal = stateOf(pair.server, 'journal.db')
    const first = await sandbox.serve(pair.server)
    await client(pair, 'send', 'one', ...first.at)
    await first.server.stop()
    copy(journal, `${journal}.copy`)
    const second = await sandbox.serve(pair.server)
    await client(pair, 'send', 'two', ...second.at)
    await second.server.stop()
    copy(`${journal}.copy`, journal)
    const { server: serving, at } = await sandbox.serve(pair.server, '--json')
    const sent = await client(pair, 'send', 'three', ...at)
    expect(sent.stderr).toMatch(/\n {2}signed anew, so that they may arrive twice: 2(, 3)?\n/)
    await serving.until(/has left, and says: the peer has lost messages that it had given receipts for/)
    await serving.until(/"text":"three"/)
    expect(textsIn(serving)).toEqual(['two', 'three'])
    await serving.stop()
  })

  test('runs hooks for what comes behind the backup, whose ids other messages had', async () => {
    const pair = sandbox.pair()
    const told = join(pair.server.root, 'told.txt')
    const program = join(pair.server.root, 'hook.sh')
    writeFileSync(program, `#!/bin/sh\necho "$COUNTERSIGN_ID $(cat)" >> '${told}'\n`, { mode: 0o755 })
    const lines = (): string[] => readFileSync(told, { encoding: 'utf8', flag: 'a+' }).split('\n').slice(0, -1)
    const backup = join(pair.server.root, 'backup.db')
    const first = await sandbox.serve(pair.server, '--exec', program)
    await client(pair, 'send', 'one', ...first.at)
    await server(pair, 'inbox', 'backup', backup)
    for (const text of ['two', 'three']) await client(pair, 'send', text, ...first.at)
    await expect.poll(lines, { timeout: 60_000 }).toEqual(['1 one', '2 two', '3 three'])
    await first.server.stop()
    remove(stateOf(pair.server, 'journal.db'))
    await server(pair, 'inbox', 'restore', backup)
    // Somebody else comes first, and takes the ids.
    const other = sandbox.home('client', 'other')
    sandbox.trust(pair.server, other)
    sandbox.trust(other, pair.server)
    const { server: serving, at } = await sandbox.serve(pair.server, '--exec', program)
    await run('client', ['send', '--lines', ...at], { root: other.root, input: 'new 2\nnew 3\n' })
    await expect.poll(lines, { timeout: 60_000 }).toEqual(['1 one', '2 two', '3 three', '2 new 2', '3 new 3'])
    await serving.stop()
  })
})

describe('a client restored from an older outbox', () => {
  test('says so, and the server is told; what it sends then arrives', async () => {
    const pair = sandbox.pair()
    const outbox = stateOf(pair.client, 'outbox.db')
    const { server: serving, at } = await sandbox.serve(pair.server, '--json')
    await client(pair, 'send', 'one', ...at)
    copy(outbox, `${outbox}.copy`)
    await client(pair, 'send', 'two', ...at)
    copy(`${outbox}.copy`, outbox)
    const sent = await client(pair, 'send', 'three', ...at)
    expect([sent.status, sent.stdout]).toEqual([0, expect.stringMatching(/^#\d+ {2}stored/)])
    const behind = 'holds later messages of this outbox than the outbox itself'
    expect(sent.stderr).toContain(`${pair.server.name} ${behind}: it was restored from an older copy`)
    await serving.until(new RegExp(`${pair.client.name} has left, and says: the peer ${behind}`))
    await serving.until(/"text":"three"/)
    expect(textsIn(serving)).toEqual(['one', 'two', 'three'])
    await serving.stop()
  })

  test('that has given a number again before it could know: both have both statements, and say so', async () => {
    const pair = sandbox.pair()
    const outbox = stateOf(pair.client, 'outbox.db')
    const first = await sandbox.serve(pair.server)
    await client(pair, 'send', 'one', ...first.at)
    copy(outbox, `${outbox}.copy`)
    await client(pair, 'send', 'two', ...first.at)
    await first.server.stop()
    copy(`${outbox}.copy`, outbox)
    expect((await client(pair, 'send', 'another two', '--host', '127.0.0.1', '--port', first.port)).status).toBe(8)
    const { server: serving, at } = await sandbox.serve(pair.server, '--json')
    const sent = await client(pair, 'outbox', 'retry', '--json', ...at)
    expect(noticesIn(sent.stdout)).toEqual([expect.objectContaining({ code: 'OUTBOX_BEHIND', peer: pair.server.name })])
    await serving.until(
      new RegExp(`${pair.client.name} has signed another message as #2: its outbox was restored from an older copy`),
    )
    expect(await noticesOf(serving, 1)).toEqual([
      expect.objectContaining({ code: 'MESSAGE_CONFLICT', about: 'journal', peer: pair.client.name, number: 2 }),
    ])
    await serving.until(/"text":"another two"/)
    await serving.stop()
    expect((await server(pair, 'inbox', 'verify')).status).toBe(0)
  })
})

describe('the other way', () => {
  test('a server whose own outbox was put back says so, and the client that receives is told', async () => {
    const pair = sandbox.pair()
    const outbox = stateOf(pair.server, 'outbox.db')
    const first = await sandbox.serve(pair.server)
    const receive = (at: readonly string[]): Promise<Outcome> => client(pair, 'receive', '--limit', '1', '--json', ...at)
    const one = receive(first.at)
    await server(pair, 'send', pair.client.name, 'one')
    await one
    await first.server.stop()
    copy(outbox, `${outbox}.copy`)
    const second = await sandbox.serve(pair.server)
    const two = receive(second.at)
    await server(pair, 'send', pair.client.name, 'two')
    await two
    await second.server.stop()
    copy(`${outbox}.copy`, outbox)
    const { server: serving, at } = await sandbox.serve(pair.server, '--json')
    const receiving = sandbox.start('client', ['receive', '--follow', '--json', ...at], pair.client)
    await serving.until(new RegExp(`${pair.client.name} holds later messages of this outbox than the outbox itself`))
    expect(await noticesOf(serving, 1)).toEqual([
      expect.objectContaining({ code: 'OUTBOX_BEHIND', about: 'outbox', peer: pair.client.name }),
    ])
    await receiving.until(/: the peer holds later messages of this outbox than the outbox itself; trying again/)
    await server(pair, 'send', pair.client.name, 'three')
    await receiving.until(/"text":"three"/)
    await receiving.stop('SIGINT')
    await serving.stop()
  })

  test('a client whose journal was restored says so, and the server says what it sends again', async () => {
    const pair = sandbox.pair()
    const backup = join(pair.client.root, 'backup.db')
    const { server: serving, at } = await sandbox.serve(pair.server, '--json')
    for (const text of ['one', 'two']) {
      const receiving = client(pair, 'receive', '--limit', '1', ...at)
      await server(pair, 'send', pair.client.name, text)
      await receiving
      if (text === 'one') await client(pair, 'inbox', 'backup', backup)
    }
    remove(stateOf(pair.client, 'journal.db'))
    await client(pair, 'inbox', 'restore', backup)
    const received = await client(pair, 'receive', '--limit', '1', '--json', ...at)
    expect(textsIn(received)).toEqual(['two'])
    expect(noticesIn(received.stdout).map(({ code }) => code)).toEqual(['JOURNAL_RESTORED', 'SERVER_REGRESSED'])
    expect(received.stderr).toMatch(
      /this journal was restored[^]*comes for the first time since this journal was restored: from #2/,
    )
    await serving.until(new RegExp(`${pair.client.name} has lost messages that it had given receipts for`))
    await serving.until(/sent again as they were: 2/)
    expect(await noticesOf(serving, 1)).toEqual([
      expect.objectContaining({ code: 'SERVER_REGRESSED', about: 'outbox', resent: [{ serial: 2, count: 1 }] }),
    ])
    await serving.stop()
  })
})
