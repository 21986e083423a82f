/** The inbox: what was received can be listed, read, proved, verified, pruned, and brought back from a backup. */
import { type Home, type Outcome, run, Sandbox } from '@countersign/testing'
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let sandbox: Sandbox

/** The limit only ends what hangs. */
const patiently = { timeout: 60_000 }

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

function inbox({ server }: { server: Home }, ...words: string[]): Promise<Outcome> {
  return run('server', ['inbox', ...words], { root: server.root })
}

/** A server that has received these lines, and has stopped. */
async function received(...lines: string[]): Promise<{ server: Home; client: Home }> {
  const home = sandbox.pair()
  const { server, at } = await sandbox.serve(home.server)
  const { status } = await run('client', ['send', '--lines', ...at], { root: home.client.root, input: lines.join('\n') })
  expect(status).toBe(0)
  await server.stop()
  return home
}

function journalOf({ server }: { server: Home }): string {
  return join(server.root, 'state/server/journal.db')
}

describe('messages', () => {
  test('are listed in their order, shown whole, and written byte for byte', async () => {
    const home = await received('one', '\u001b[31mred', 'three')
    const list = (await inbox(home, 'list')).stdout.split('\n')
    expect(list.map((line) => line.trim().split(/ {2,}/).at(-1))).toEqual(['one', String.raw`\u{1b}[31mred`, 'three', ''])
    expect((await inbox(home, 'list', '--after', '1', '--limit', '1', '--json')).stdout).toMatch(
      /^\{"event":"message","id":2,[^\n]*\n$/,
    )
    expect((await inbox(home, 'list', '--from', 'nobody')).stdout).toBe('')
    expect((await inbox(home, 'show', '3')).stdout).toMatch(
      /signature verified {2}id 3\n {4}three\n {4}receipt \d+ of its outbox/,
    )
    expect((await inbox(home, 'cat', '2')).stdout).toBe('\u001b[31mred')
  })

  test('are listed while they come with --follow, until it is interrupted', async () => {
    const home = sandbox.pair()
    const { at } = await sandbox.serve(home.server)
    const send = (text: string): Promise<Outcome> => run('client', ['send', text, ...at], { root: home.client.root })
    await send('first')
    const following = sandbox.start('server', ['inbox', 'list', '--follow'], home.server)
    await following.until(/first/)
    await send('second')
    await following.until(/second/)
    expect((await following.stop('SIGINT')).status).toBe(0)
  })

  test('lose their bodies when they are pruned, and keep their evidence', async () => {
    const home = await received('one', 'two')
    expect((await inbox(home, 'prune')).status).toBe(2)
    expect((await inbox(home, 'prune', '--older-than', '0s')).stdout).toMatch(/^dropped the bodies of 2 messages/)
    expect((await inbox(home, 'list')).stdout.match(/pruned/g)).toHaveLength(2)
    const cat = await inbox(home, 'cat', '1')
    expect([cat.status, cat.stdout]).toEqual([4, ''])
    expect((await inbox(home, 'verify')).status).toBe(0)
    const folder = join(home.server.root, 'evidence')
    expect((await inbox(home, 'export', '1', folder)).status).toBe(0)
    expect((await run('server', ['verify', folder], { root: home.server.root })).status).toBe(0)
    expect(existsSync(join(folder, 'body'))).toBe(false)
  })

  test('are exported one by one or as a range, each as evidence that verifies', async () => {
    const home = await received('one', 'two', 'three')
    const folder = join(home.server.root, 'evidence')
    await inbox(home, 'export', '2-3', folder)
    expect(readFileSync(join(folder, '2/body'), 'utf8')).toBe('two')
    const { stdout, status } = await run('server', ['verify', folder], { root: home.server.root })
    expect(stdout.match(/^verified/gm)).toHaveLength(2)
    expect(status).toBe(0)
    expect((await inbox(home, 'export', '1', folder)).status).toBe(3)
  })
})

describe('the journal', () => {
  test('comes back from a backup that was made while a server ran', async () => {
    const home = sandbox.pair()
    const { server, at } = await sandbox.serve(home.server)
    await run('client', ['send', 'kept', ...at], { root: home.client.root })
    const backup = join(home.server.root, 'backup.db')
    expect((await inbox(home, 'backup', backup)).status).toBe(0)
    expect((await inbox(home, 'backup', backup)).status).toBe(3)
    await server.stop()
    expect((await inbox(home, 'restore', backup)).stderr).toMatch(
      /^error: there is a journal at .*; nothing was changed\nhint: stop what runs/,
    )
    rmSync(join(home.server.root, 'state'), { recursive: true })
    expect((await inbox(home, 'restore', backup)).status).toBe(0)
    expect((await inbox(home, 'cat', '1')).stdout).toBe('kept')
  })

  test('is not what a backup is that was put in its place by hand: nothing goes on with that before it is restored', async () => {
    const home = await received('kept')
    const backup = join(home.server.root, 'backup.db')
    await inbox(home, 'backup', backup)
    const journal = journalOf(home)
    for (const suffix of ['', '-wal', '-shm', '-items']) rmSync(`${journal}${suffix}`, { recursive: true, force: true })
    cpSync(backup, journal)
    const serving = await run('server', ['--host', '127.0.0.1', '--port', '0'], { root: home.server.root })
    expect([serving.status, serving.stdout]).toEqual([2, ''])
    expect(serving.stderr).toMatch(
      /^error: a backup of a journal, which .*journal\.db\nhint: move it .* `inbox restore FILE`.*\n$/,
    )
    expect((await inbox(home, 'list')).status).toBe(2)
    expect(readFileSync(journal).equals(readFileSync(backup))).toBe(true)
    rmSync(journal)
    expect((await inbox(home, 'restore', backup)).status).toBe(0)
    expect((await inbox(home, 'cat', '1')).stdout).toBe('kept')
  })
})

describe('hooks of a server', () => {
  function hook(home: Home, lines: string): string {
    const path = join(home.root, 'hook.sh')
    writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 })
    return path
  }

  test('are told each message once, in order, and what they could not take can be seen and run again', async () => {
    const home = sandbox.pair()
    const told = join(home.server.root, 'told.txt')
    const program = hook(home.server, `[ "$COUNTERSIGN_NUMBER" = 2 ] && exit 3; echo "$COUNTERSIGN_FROM $(cat)" >> '${told}'`)
    const { server, at } = await sandbox.serve(home.server, '--exec', program, '--hook-tries', '1')
    await run('client', ['send', '--lines', ...at], { root: home.client.root, input: 'one\ntwo\nthree\n' })
    await server.until(/message 2 was set aside/)
    await expect
      .poll(() => existsSync(told) && readFileSync(told, 'utf8'), patiently)
      .toBe(`${home.client.name} one\n${home.client.name} three\n`)
    await server.stop()

    const hooks = (...words: string[]): Promise<Outcome> => run('server', ['hooks', ...words], { root: home.server.root })
    expect((await hooks('list')).stdout).toMatch(/^exec {2}message 2 {2}20.*Z {2}1 tries: it ended with status 3\n$/)
    expect((await hooks('retry', '--exec', program)).status).toBe(11)
    expect((await hooks('retry', '--exec', hook(home.server, `cat >> '${told}'`))).stdout).toBe('exec  message 2  done\n')
    expect(readFileSync(told, 'utf8')).toMatch(/three\ntwo$/)
    expect((await hooks('list')).stdout).toBe('')
  })

  test('take up what was stored while they did not run, and only that', async () => {
    const home = sandbox.pair()
    const told = join(home.server.root, 'told.txt')
    const program = hook(home.server, `echo "$(cat)" >> '${told}'`)
    const round = async (text: string, expected: string, ...words: string[]): Promise<void> => {
      const { server, at } = await sandbox.serve(home.server, ...words)
      await run('client', ['send', text, ...at], { root: home.client.root })
      await expect.poll(() => (existsSync(told) ? readFileSync(told, 'utf8') : ''), patiently).toBe(expected)
      await server.stop()
    }
    await round('before any hook', '')
    await round('first', 'first\n', '--exec', program)
    await round('without it', 'first\n')
    await round('last', 'first\nwithout it\nlast\n', '--exec', program)
  })
})
