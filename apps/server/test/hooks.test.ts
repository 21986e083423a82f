/** Hooks run at least once: each row is the real server, killed by SIGKILL at that point, or two of them over one journal. */
import { type Home, type Outcome, run, type Running, Sandbox } from '@countersign/testing'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let sandbox: Sandbox

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

/** The limit only ends what hangs. */
const patiently = { timeout: 60_000 }

/** A hook that writes down what it is told, and where that is. */
class Scribe {
  readonly program: string
  readonly #told: string

  /** @param more what else it does, as shell, once it has written */
  constructor({ root }: Home, more = '') {
    this.program = join(root, 'hook.sh')
    this.#told = join(root, 'told.txt')
    const told = `echo "$COUNTERSIGN_ID $COUNTERSIGN_KEY $text" >> '${this.#told}'`
    writeFileSync(this.program, `#!/bin/sh\ntext=$(cat)\n${told}\n${more}\nexit 0\n`, { mode: 0o755 })
    writeFileSync(this.#told, '')
  }

  get lines(): string[] {
    return readFileSync(this.#told, 'utf8').split('\n').slice(0, -1)
  }

  /** What it was told so far: ids and texts. */
  get told(): string[] {
    return this.lines.map((line) => line.replace(/ \S+/, ''))
  }
}

async function send(client: Home, at: readonly string[], ...lines: readonly string[]): Promise<void> {
  const { status } = await run('client', ['send', '--lines', ...at], { root: client.root, input: lines.join('\n') })
  expect(status).toBe(0)
}

/** Up to which message a hook is done with all, as the ledger on disk has it. */
function markOf({ root }: Home): unknown {
  const database = new DatabaseSync(join(root, 'state/server/hooks.db'), { readOnly: true })
  try {
    return database.prepare('SELECT id FROM mark').get()!['id']
  } finally {
    database.close()
  }
}

describe('a server that dies after the effect of a hook, before its cursor moved', () => {
  test('runs a program again with the same id; nothing else runs twice, and nothing is left out', async () => {
    const home = sandbox.pair()
    const [flag, sent] = [join(home.server.root, 'killed'), join(home.server.root, 'sent')]
    // The program's parent is the server: when the program ends, nobody is left to see that. The client has all its receipts then.
    const kill = `touch '${flag}' && until [ -e '${sent}' ]; do sleep 0.05; done && kill -9 $PPID`
    const scribe = new Scribe(home.server, `[ "$text" = two ] && [ ! -e '${flag}' ] && ${kill}`)
    const { server, at } = await sandbox.serve(home.server, '--exec', scribe.program)
    await send(home.client, at, 'one', 'two', 'three')
    writeFileSync(sent, '')
    expect(await server.ended).toMatchObject({ signal: 'SIGKILL' })
    expect(scribe.told).toEqual(['1 one', '2 two'])
    expect(markOf(home.server)).toBe(1)

    const { server: again } = await sandbox.serve(home.server, '--exec', scribe.program)
    await expect.poll(() => scribe.told, patiently).toEqual(['1 one', '2 two', '2 two', '3 three'])
    expect(scribe.lines[2]).toBe(scribe.lines[1])
    await again.stop()
    expect(scribe.told).toHaveLength(4)
    expect(markOf(home.server)).toBe(3)
  })

  test('posts to a webhook again with the same key', async () => {
    const home = sandbox.pair()
    const posted: string[] = []
    let server: Running | undefined
    let sent: Promise<void> | undefined
    const receiver = createServer((request, response) => {
      const take = async (): Promise<void> => {
        posted.push(`${request.headers['countersign-id'] as string} ${request.headers['idempotency-key'] as string}`)
        if ((await text(request)) === 'two' && posted.length === 2) {
          await sent
          await server!.stop('SIGKILL')
        }
        response.end()
      }
      void take()
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    const words = ['--webhook', `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`]
    const { server: first, at } = await sandbox.serve(home.server, ...words)
    server = first
    sent = send(home.client, at, 'one', 'two', 'three')
    await sent
    await first.ended
    expect(posted).toHaveLength(2)
    const { server: again } = await sandbox.serve(home.server, ...words)
    await expect.poll(() => posted.length, patiently).toBe(4)
    expect(posted[2]).toBe(posted[1])
    expect(posted.map((post) => post.split(' ', 1)[0])).toEqual(['1', '2', '2', '3'])
    await again.stop()
    receiver.closeAllConnections()
    receiver.close()
  })
})

test('a program that is killed is run again, then set aside, where it can be seen and run again; what follows goes on', async () => {
  const home = sandbox.pair()
  const scribe = new Scribe(home.server, '[ "$text" = two ] && kill -9 $$')
  const { server, at } = await sandbox.serve(home.server, '--exec', scribe.program, '--hook-tries', '2')
  await send(home.client, at, 'one', 'two', 'three')
  await server.until(/message 2 was set aside/)
  await expect.poll(() => scribe.told, patiently).toEqual(['1 one', '2 two', '2 two', '3 three'])
  expect(server.stderr).toMatch(/message 2, try 1 of 2: it was ended by SIGKILL/)
  await server.stop()

  const hooks = (...words: string[]): Promise<Outcome> => run('server', ['hooks', ...words], { root: home.server.root })
  expect((await hooks('list')).stdout).toMatch(/^exec {2}message 2 {2}\S+Z {2}2 tries: it was ended by SIGKILL\n$/)
  const { program } = new Scribe(home.server)
  expect((await hooks('retry', '--exec', program)).stdout).toBe('exec  message 2  done\n')
  expect((await hooks('list')).stdout).toBe('')
})

describe('two servers over one journal', () => {
  /** Both run the same hook; the first one has it. */
  async function two(home: { server: Home; client: Home }): Promise<{
    scribe: Scribe
    first: Running
    second: Running
    atFirst: string[]
    atSecond: string[]
  }> {
    const scribe = new Scribe(home.server)
    const { server: first, at: atFirst } = await sandbox.serve(home.server, '--exec', scribe.program)
    const { server: second, at: atSecond } = await sandbox.serve(home.server, '--exec', scribe.program)
    await second.until(/exec: another process over this journal runs it; this one stands by/)
    return { scribe, first, second, atFirst, atSecond }
  }

  test('run each message’s hook once while both live; the one that is left takes over when the other is killed', async () => {
    const home = sandbox.pair()
    const { scribe, first, second, atFirst, atSecond } = await two(home)
    await send(home.client, atFirst, 'a', 'b')
    await send(home.client, atSecond, 'c', 'd')
    await expect.poll(() => scribe.told, patiently).toEqual(['1 a', '2 b', '3 c', '4 d'])
    await expect.poll(() => markOf(home.server), patiently).toBe(4)
    await first.stop('SIGKILL')
    await send(home.client, atSecond, 'e')
    await second.until(/exec: this process runs it from now on/)
    await expect.poll(() => scribe.told, patiently).toEqual(['1 a', '2 b', '3 c', '4 d', '5 e'])
    await second.stop()
    expect(scribe.told).toHaveLength(5)
  })

  test('one that is paused loses it, and runs nothing when it is resumed', async () => {
    const home = sandbox.pair()
    const { scribe, first, second, atFirst, atSecond } = await two(home)
    await send(home.client, atFirst, 'a')
    await expect.poll(() => markOf(home.server), patiently).toBe(1)
    first.kill('SIGSTOP')
    await send(home.client, atSecond, 'b')
    await second.until(/exec: this process runs it from now on/)
    await expect.poll(() => scribe.told, patiently).toEqual(['1 a', '2 b'])
    first.kill('SIGCONT')
    await first.until(/exec: another process over this journal runs it; this one stands by/)
    await send(home.client, atFirst, 'c')
    await expect.poll(() => scribe.told, patiently).toEqual(['1 a', '2 b', '3 c'])
    // The other way round nothing is waited for: it is handed over in good order.
    await second.stop()
    await first.until(/exec: this process runs it from now on/)
    await send(home.client, atFirst, 'd')
    await expect.poll(() => scribe.told, patiently).toEqual(['1 a', '2 b', '3 c', '4 d'])
    await first.stop()
    expect(scribe.told).toHaveLength(4)
  })
})
