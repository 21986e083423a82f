/** A watched folder: each file that comes into it is one message, whoever is away and whoever is killed meanwhile. */
import { type Home, run, type Running, Sandbox, start } from '@countersign/testing'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

let sandbox: Sandbox

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

function folder(name: string): string {
  const path = join(sandbox.folder, name)
  mkdirSync(path)
  return path
}

/** Puts a file there as it has to be put there. */
function put(dir: string, name: string, body = name): void {
  writeFileSync(join(dir, `${name}.part`), body)
  renameSync(join(dir, `${name}.part`), join(dir, name))
}

/** What has arrived: the names that the messages have, and their bodies. */
async function arrived({ root }: Home): Promise<(string | undefined)[]> {
  const { stdout } = await run('server', ['inbox', 'list', '--json'], { root })
  const lines = stdout.split('\n').filter((line) => line !== '')
  return lines.map((line) => (JSON.parse(line) as { attributes: { name?: string } }).attributes.name)
}

test('files are sent in the order of their times and names; what is no whole file is left lying, which is said', async () => {
  const pair = sandbox.pair()
  const dir = folder('in')
  for (const [name, minute] of [
    ['b', 1],
    ['c', 0],
    ['a', 1],
    ['bell\u0007.txt', 2],
  ] as const) {
    put(dir, name)
    utimesSync(join(dir, name), minute * 60, minute * 60)
  }
  mkdirSync(join(dir, 'sub'))
  symlinkSync('/etc/passwd', join(dir, 'link'))
  for (const name of ['.hidden', 'half.part', 'half.tmp']) writeFileSync(join(dir, name), name)
  const { server, at } = await sandbox.serve(pair.server, '--json')
  const watching = sandbox.start('client', ['watch', dir, ...at], pair.client)
  await watching.until(/^#4 /m)
  put(dir, 'late')
  await watching.until(/^#5 late {2}stored by/m)
  await server.until(/"name":"bell\\\\u\{7\}\.txt"/)
  const second = await run('client', ['watch', dir, ...at], { root: pair.client.root })
  expect([second.status, second.stderr]).toEqual([14, expect.stringMatching(/another process watches .* already/)])
  const { status, stderr } = await watching.stop('SIGINT')
  expect(status).toBe(0)
  expect(stderr.match(/^left lying: .*/gm)?.toSorted()).toEqual([
    'left lying: link: it is no file',
    'left lying: sub: it is a folder',
  ])
  expect(readdirSync(dir).toSorted()).toEqual(['.countersign', '.hidden', 'half.part', 'half.tmp', 'link', 'sent', 'sub'])
  expect(readdirSync(join(dir, 'sent')).toSorted()).toEqual(['a', 'b', 'bell\u0007.txt', 'c', 'late'])
  expect(await arrived(pair.server)).toEqual(['c', 'a', 'b', String.raw`bell\u{7}.txt`, 'late'])
})

test('files that come while the server is away are in the outbox, and arrive once it is there', async () => {
  const pair = sandbox.pair()
  const first = await sandbox.serve(pair.server)
  await first.server.stop()
  const dir = folder('away')
  const watching = sandbox.start('client', ['watch', dir, '--then', 'delete', ...first.at], pair.client)
  await watching.until(/trying again in/)
  put(dir, 'one')
  put(dir, 'two')
  await expect.poll(() => readdirSync(dir), { timeout: 60_000 }).toEqual(['.countersign'])
  sandbox.start('server', ['--host', '127.0.0.1', '--port', first.port], pair.server)
  await watching.until(/^#1 one {2}stored.*\n#2 two {2}stored/m)
  expect((await watching.stop('SIGINT')).status).toBe(0)
  expect(readdirSync(join(dir, '.countersign'))).toEqual(['lock'])
})

test('what was a file when it was seen and is a link when it is claimed is not followed', async () => {
  const pair = sandbox.pair()
  const { at } = await sandbox.serve(pair.server)
  const dir = folder('exchanged')
  const claimed = join(dir, '.countersign', `0-${'ab'.repeat(16)}`)
  mkdirSync(claimed, { recursive: true })
  symlinkSync('/etc/hostname', join(claimed, 'report.txt'))
  put(dir, 'next')
  const watching = sandbox.start('client', ['watch', dir, ...at], pair.client)
  await watching.until(/^#1 next {2}stored by/m)
  const { status, stderr } = await watching.stop('SIGINT')
  expect([status, stderr]).toEqual([0, expect.stringMatching(/^left lying: .*report\.txt: it is no file$/m)])
  expect(await arrived(pair.server)).toEqual(['next'])
})

test('a file that is written to while it is read is left lying, and keeps no other waiting', async () => {
  const pair = sandbox.pair()
  const { at } = await sandbox.serve(pair.server)
  const dir = folder('grows')
  writeFileSync(join(dir, 'log'), Buffer.alloc(64 * 1024 * 1024))
  utimesSync(join(dir, 'log'), 0, 0)
  put(dir, 'next')
  const growing = openSync(join(dir, 'log'), 'a')
  const timer = setInterval(() => writeSync(growing, 'more'), 1)
  onTestFinished(() => clearInterval(timer))
  const watching = sandbox.start('client', ['watch', dir, ...at], pair.client)
  await watching.until(/^#1 next {2}stored by/m)
  clearInterval(timer)
  closeSync(growing)
  expect((await watching.stop('SIGINT')).stderr).toMatch(/^left lying: .*log: it was changed while it was read/m)
  const again = sandbox.start('client', ['watch', dir, ...at], pair.client)
  await again.until(/^#2 log {2}stored by/m)
  expect((await again.stop('SIGINT')).status).toBe(0)
})

test('a second file of a long name is kept by the id of its message', async () => {
  const pair = sandbox.pair()
  const { at } = await sandbox.serve(pair.server)
  const dir = folder('long')
  const name = 'n'.repeat(240)
  const watching = sandbox.start('client', ['watch', dir, ...at], pair.client)
  for (const number of [1, 2]) {
    put(dir, name)
    await watching.until(new RegExp(`^#${number} n+ {2}stored by`, 'm'))
  }
  expect((await watching.stop('SIGINT')).status).toBe(0)
  const kept = readdirSync(join(dir, 'sent'))
  expect([kept.length, kept.includes(name), kept.some((other) => /^[0-9a-f]{32}$/.test(other))]).toEqual([2, true, true])
})

/** How many steps apart it is killed. */
const EVERY = process.env['TEST_FULL'] === '1' ? 1 : 4

test('each file arrives once, in order, wherever on its way the client is killed', async () => {
  if (EVERY > 1) console.log(`the client is killed at every ${EVERY}th step; at each one with TEST_FULL=1`)
  const pair = sandbox.pair()
  const { at } = await sandbox.serve(pair.server)
  const dir = folder('killed')
  const names: string[] = []
  const watch = (killAt: number): Running => {
    const env = { KILL_AT: String(killAt), NODE_OPTIONS: `--import ${join(import.meta.dirname, 'kill-at.ts')}` }
    const words = ['watch', dir, '--then', killAt % 2 === 0 ? 'keep' : 'delete', ...at]
    return start('client', words, { root: pair.client.root, env })
  }
  let killed = 0
  for (let step = 1; ; step += EVERY) {
    const name = `file-${String(step).padStart(2, '0')}`
    put(dir, name)
    names.push(name)
    await using watching = watch(step)
    const sent = watching.until(new RegExp(`^#\\d+ ${name} `, 'm')).then(
      () => 'sent',
      () => 'killed',
    )
    if ((await sent) === 'sent') break
    expect((await watching.ended).signal).toBe('SIGKILL')
    killed += 1
  }
  // A claim, its three fsyncs, the commit and the end of a file that was left, and of the new one.
  expect(killed).toBeGreaterThanOrEqual(12 / EVERY)
  expect(await arrived(pair.server)).toEqual(names)
  expect(readdirSync(dir).filter((name) => name.startsWith('file'))).toEqual([])
  expect(readdirSync(join(dir, '.countersign')).filter((name) => !name.startsWith('lock'))).toEqual([])
})
