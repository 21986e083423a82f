/** `countersign-server doctor`: each thing that is not well is named, with what to do, and nothing is changed. */
import { run, Sandbox } from '@countersign/testing'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

interface Line {
  readonly check: string
  readonly outcome: 'holds' | 'fails'
  readonly what: string
  readonly hint?: string
}

const sandbox = new Sandbox()
const { server: home } = sandbox.pair()
let taken: string

beforeAll(async () => {
  const { at } = await sandbox.serve(sandbox.home('server', 'other'))
  taken = at.at(-1)!
})
afterAll(() => sandbox[Symbol.asyncDispose]())

async function examined(...words: readonly string[]): Promise<{ status: number | null; failing: Line[]; stderr: string }> {
  const { status, stdout, stderr } = await run('server', ['doctor', '--json', ...words], home)
  const lines = stdout.split('\n').filter(Boolean)
  const checks = lines.map((line): Line => JSON.parse(line)).filter(({ check }) => check !== undefined)
  expect(checks.map(({ check }) => check)).toEqual([
    'settings',
    'home',
    'key',
    'peers',
    'port',
    'disk',
    'journal',
    'clock',
    'hooks',
  ])
  return { status, failing: checks.filter(({ outcome }) => outcome === 'fails'), stderr }
}

test('a home that is sound has no failing line, and is left as it was', async () => {
  expect(await examined('--port', '0')).toMatchObject({ status: 0, failing: [] })
  expect(existsSync(join(home.root, 'state/server'))).toBe(false)
})

test('a port that another program holds is told', async () => {
  const { status, failing } = await examined('--port', taken)
  expect(failing).toMatchObject([{ check: 'port', what: expect.stringContaining(taken) }])
  expect(status).toBeGreaterThan(0)
})

test('a key that others can read is told with what mends it, and the exit status is that of a bad key', async () => {
  const key = join(home.folder, 'identity.pem')
  chmodSync(key, 0o644)
  const { status, failing, stderr } = await examined('--port', '0')
  chmodSync(key, 0o600)
  expect(failing[0]).toMatchObject({ check: 'home', hint: `chmod 600 ${key}` })
  expect([status, stderr]).toEqual([5, expect.stringMatching(/error.*\n?.*hint/s)])
})

test('a file of settings that cannot be used is told, and what rests on it', async () => {
  const file = join(home.folder, 'server.json')
  writeFileSync(file, '{ "port": "x" }', { mode: 0o600 })
  const { status, failing } = await examined()
  expect(failing.map(({ check }) => check)).toEqual(['settings', 'port', 'hooks'])
  expect([status, failing[0]!.what]).toEqual([2, expect.stringContaining('"port"')])
})
