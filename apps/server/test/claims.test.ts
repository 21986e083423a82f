/** What a peer signs may be no date of any calendar here: nothing ends of it, and the message is read as any other. */
import { connect, identity } from '@countersign/core'
import { MemoryOutbox } from '@countersign/core/protocol'
import { run, Sandbox } from '@countersign/testing'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

let sandbox: Sandbox

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

test('a time that no calendar here reaches ends neither the server nor its lists, and hooks are told of the message', async () => {
  const home = sandbox.pair()
  const program = join(home.server.root, 'hook.sh')
  writeFileSync(program, '#!/bin/sh\necho "hook: $COUNTERSIGN_SENT_AT" >&2\n', { mode: 0o755 })
  const { server, port } = await sandbox.serve(home.server, '--exec', program)
  const peer = home.server.key.publicKey
  const client = identity(home.client.key)
  const outbox = new MemoryOutbox(client, () => 2 ** 53)
  await using session = await connect({ host: '127.0.0.1', port: Number(port), identity: client, peer, outbox })
  expect((await session.send('when?')).outcome).toBe('stored')
  await server.until(/hook: \+275760-09-13T00:00:00\.000Z/)
  expect((await session.send('now')).outcome).toBe('stored')
  const { status, stdout } = await run('server', ['inbox', 'list', '--json'], { root: home.server.root })
  expect(status).toBe(0)
  expect(stdout.trim().split('\n')).toHaveLength(2)
})
