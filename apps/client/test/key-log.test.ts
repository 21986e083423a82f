/** The key log is written where the environment asks for it, loudly, and nowhere else. */
import { run, Sandbox, start } from '@countersign/testing'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const sandbox = new Sandbox()
afterAll(() => sandbox[Symbol.asyncDispose]())

const LINE = /(SERVER|CLIENT)_(HANDSHAKE|TRAFFIC) [0-9a-f]{64} [0-9a-f]{64}/

test('COUNTERSIGN_KEYLOG alone makes a program write its secrets, into a file for its owner alone, with a warning', async () => {
  const { server, client } = sandbox.pair()
  const file = join(sandbox.folder, 'keylog')
  const env = { COUNTERSIGN_KEYLOG: file }
  const send = async (port: string, words: readonly string[], env = {}): Promise<string> => {
    const at = ['--host', '127.0.0.1', '--port', port]
    const { status, stdout, stderr } = await run('client', ['send', ...at, ...words, 'a secret'], { root: client.root, env })
    expect(status).toBe(0)
    return stdout + stderr
  }

  await using quiet = start('server', ['--host', '127.0.0.1', '--port', '0', '--trace'], { root: server.root })
  const [, port] = await quiet.until(/listening on 127\.0\.0\.1:(\d+)/)
  const told = await send(port!, ['--trace'])
  const files = readdirSync(sandbox.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const kept = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'))
  await quiet.stop()
  for (const text of [told, quiet.stdout, quiet.stderr, ...kept]) expect(text).not.toMatch(LINE)
  expect(existsSync(file)).toBe(false)

  writeFileSync(file, 'what was there before\n', { mode: 0o644 })
  await using loud = start('server', ['--host', '127.0.0.1', '--port', '0', '--quiet'], { root: server.root, env })
  const [, other] = await loud.until(/listening on 127\.0\.0\.1:(\d+)/)
  const warned = await send(other!, ['--quiet'], env)
  await loud.stop()
  for (const text of [warned, loud.stderr]) expect(text).toMatch(/^WARNING: COUNTERSIGN_KEYLOG is set/m)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  const [before, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n')
  expect(before).toBe('what was there before')
  for (const line of lines) expect(line).toMatch(new RegExp(`^${LINE.source}$`))
  expect([lines.length, new Set(lines).size]).toEqual([8, 4])
})
