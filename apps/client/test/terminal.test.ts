/** The client at a terminal: a person types line by line, and sees how far a long file has come. */
import { hasTerminals, Sandbox, startInTerminal } from '@countersign/testing'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, type TestContext } from 'vitest'

let sandbox: Sandbox

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

function requireTerminal(context: TestContext): void {
  if (!hasTerminals()) context.skip("util-linux's program script, which gives terminals, is missing")
}

test('each line that is typed is a message, and its receipt is shown before the next prompt; Ctrl-D ends', async (context) => {
  requireTerminal(context)
  const pair = sandbox.pair('ed25519')
  const { server, at } = await sandbox.serve(pair.server)
  await using client = startInTerminal('client', ['send', ...at], pair.client)
  await client.until(/> /)
  client.write('good morning\r')
  await client.until(/#1 {2}stored by .* receipt verified\r\n[^#]*> /)
  client.write('\r')
  client.write('good night\r')
  await client.until(/#2 {2}stored by .* receipt verified\r\n[^#]*> /)
  client.write('\u0004')
  expect((await client.ended).status).toBe(0)
  expect((await server.stop()).stdout).toMatch(/good morning\n[^]*good night\n/)
})

test('a person sees how far a long file has come', async (context) => {
  requireTerminal(context)
  const pair = sandbox.pair('rsa')
  const { at } = await sandbox.serve(pair.server)
  const path = join(sandbox.folder, 'long.bin')
  writeFileSync(path, Buffer.alloc(24 * 1024 * 1024, 'long '))
  await using client = startInTerminal('client', ['send', '--file', path, ...at], pair.client)
  const { status, stdout } = await client.ended
  expect(status).toBe(0)
  expect(stdout).toMatch(/sending .*\d+% .* of 24\.0 MiB/)
  expect(stdout).toMatch(/#1 long\.bin {2}stored by /)
})
