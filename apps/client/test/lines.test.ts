/** `send --lines` may run for as long as somebody writes: nothing is lost, and memory does not grow. */
import { run, Sandbox, start } from '@countersign/testing'
import { afterAll, expect, test } from 'vitest'

const sandbox = new Sandbox()
afterAll(() => sandbox[Symbol.asyncDispose]())

/** More than wait for their receipts at a time. */
const LINES = process.env['TEST_FULL'] === '1' ? 60_000 : 6000

test('lines come through in their order and once, with little memory, while the server is away, comes, and is killed', async () => {
  if (LINES < 60_000) console.log(`${LINES} lines; 60,000, which would not fit into memory together, with TEST_FULL=1`)
  const pair = sandbox.pair()
  const first = await sandbox.serve(pair.server, '--quiet')
  await first.server.stop()
  const serve = ['--host', '127.0.0.1', '--port', first.port, '--quiet', '--log-level', 'error']
  const env = { NODE_OPTIONS: '--max-old-space-size=40' }
  const words = ['send', '--lines', '--retry', 'forever', '--quiet', ...first.at]
  await using sending = start('client', words, { root: pair.client.root, env })
  const line = (n: number): string => `${n} ${'x'.repeat(1000)}`
  for (let n = 1; n <= LINES; n++) sending.write(`${line(n)}\n`)
  sending.endInput()

  const second = sandbox.start('server', serve, pair.server)
  const half = LINES * 30
  await expect.poll(() => sending.stdout.length, { timeout: 300_000 }).toBeGreaterThan(half)
  await second.stop('SIGKILL')
  sandbox.start('server', serve, pair.server)
  const { status, stdout, stderr } = await sending.ended
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout.match(/^#\d+ {2}stored by/gm)).toEqual(Array.from({ length: LINES }, (_, i) => `#${i + 1}  stored by`))
  const last = await run('server', ['inbox', 'list', '--json', '--after', String(LINES - 1)], { root: pair.server.root })
  expect(JSON.parse(last.stdout)).toMatchObject({ id: LINES, number: LINES, length: line(LINES).length })
}, 300_000)
