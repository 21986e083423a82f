/** What a server says of itself while it runs: to Prometheus, to whoever watches its health, and to its operator. */
import { run, Sandbox } from '@countersign/testing'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, expect, onTestFinished, test, type TestContext } from 'vitest'

const sandbox = new Sandbox()
afterAll(() => sandbox[Symbol.asyncDispose]())

async function ask(socketPath: string, path: string, method = 'GET'): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>()
  request({ socketPath, path, method }, (response) => {
    text(response).then((body) => resolve({ status: response.statusCode!, body }), reject)
  })
    .on('error', reject)
    .end()
  return promise
}

/** The value of a metric, by its name with its labels. */
function valueOf(metrics: string, name: string): number {
  const line = metrics.split('\n').find((line) => line.startsWith(`${name} `))
  return Number(line?.slice(name.length + 1))
}

/** Sends bytes that are no handshake. */
async function knock(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.end(Buffer.alloc(2000, 1)).resume()
  await new Promise((resolve) => socket.once('close', resolve))
}

test('metrics count sessions, handshakes by result, messages, bytes, receipts by outcome, commits, queues and the journal', async () => {
  const { server: home, client } = sandbox.pair()
  const socket = join(home.root, 'metrics.sock')
  const settings = { policy: { default: { maxLength: 100 } } }
  const write = (more = {}): void => writeFileSync(join(home.folder, 'server.json'), JSON.stringify({ ...settings, ...more }))
  write()
  const { server, port, at } = await sandbox.serve(home, '--metrics', `unix:${socket}`, '--exec', '/bin/true')
  const sending = sandbox.start('client', ['send', '--lines', ...at], client)
  sending.write('hello\n')
  await sending.until(/receipt verified/)
  sending.write(`${'too long '.repeat(20)}\n`)
  await sending.until(/refused by/)
  // Strangers are read until this is over; the client above had as long as it needed.
  write({ timeout: 1 })
  server.kill('SIGHUP')
  await server.until(/read anew; changed: timeout/)
  await knock(Number(port))
  await server.until(/turned away 127\.0\.0\.1/)

  const { status, body } = await ask(socket, '/metrics')
  expect(status).toBe(200)
  const counted = {
    countersign_ready: 1,
    countersign_sessions: 1,
    'countersign_handshakes_total{result="accepted"}': 1,
    'countersign_handshakes_total{result="HELLO_REJECTED"}': 1,
    countersign_messages_total: 1,
    // The body, behind its salt and attributes.
    countersign_message_bytes_total: 'hello'.length + 44,
    'countersign_receipts_total{outcome="stored"}': 1,
    'countersign_receipts_total{outcome="refused"}': 1,
    countersign_commit_seconds_count: 2,
    'countersign_queue{queue="commits"}': 0,
    'countersign_queue{queue="printing"}': 0,
    countersign_journal_messages: 1,
    countersign_journal_receipts: 2,
    countersign_journal_restored_seconds: 0,
    countersign_journal_unheard: 0,
  }
  expect(Object.fromEntries(Object.keys(counted).map((name) => [name, valueOf(body, name)]))).toEqual(counted)
  for (const name of ['countersign_journal_bytes', 'countersign_disk_free_bytes', 'process_resident_memory_bytes']) {
    expect(valueOf(body, name)).toBeGreaterThan(10_000)
  }
  expect(body).toContain('countersign_queue{queue="exec"} ')

  expect(await ask(socket, '/healthz')).toEqual({ status: 200, body: 'ok\n' })
  expect(await ask(socket, '/readyz')).toEqual({ status: 200, body: 'ready\n' })
  expect((await ask(socket, '/')).status).toBe(404)
  expect((await ask(socket, '/metrics', 'POST')).status).toBe(405)

  const told = await run('server', ['status', '--json'], { root: home.root })
  expect(told.status).toBe(0)
  expect(JSON.parse(told.stdout)).toMatchObject({
    running: true,
    pid: server.pid,
    listening: { host: '127.0.0.1', port: Number(port) },
    sessions: [client.name],
    handshakes: { accepted: 1, HELLO_REJECTED: 1 },
    receipts: { stored: 1, refused: 1 },
    messages: 1,
    journal: { messages: 1, receipts: 2 },
  })
  expect((await server.stop()).status).toBe(0)
  const gone = await run('server', ['status'], { root: home.root })
  expect([gone.status, gone.stderr]).toEqual([8, expect.stringMatching(/^error: no server runs on the home .*\nhint: /)])
})

/** A file system of 8 MiB where a server keeps its state. */
function smallDisk(context: TestContext, root: string): string {
  const folder = join(root, 'disk')
  mkdirSync(folder, { recursive: true })
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=700', 'tmpfs', folder], { encoding: 'utf8' })
  if (status !== 0) {
    console.log(`readiness on a full disk: skipped, because no tmpfs can be mounted (${stderr?.trim()})`)
    context.skip('no tmpfs can be mounted')
  }
  onTestFinished(() => void spawnSync('umount', ['-l', folder]))
  symlinkSync(folder, join(root, 'state'))
  return folder
}

/** Writes until nothing more can be. */
function fill(path: string): void {
  expect(() => {
    for (;;) appendFileSync(path, Buffer.alloc(64 * 1024))
  }).toThrow(/ENOSPC/)
}

test('a server whose disk is full says that it is not ready, and is again once there is room', async (context) => {
  const home = sandbox.home('server', 'full')
  const client = sandbox.home('client', 'filler')
  sandbox.trust(home, client)
  sandbox.trust(client, home)
  const filler = join(smallDisk(context, home.root), 'filler')
  const socket = join(home.root, 'metrics.sock')
  const { server, at } = await sandbox.serve(home, '--metrics', `unix:${socket}`)
  writeFileSync(filler, Buffer.alloc(4 * 1024 * 1024))
  const path = join(home.root, 'long')
  writeFileSync(path, Buffer.alloc(6 * 1024 * 1024))
  const sent = await run('client', ['send', '--file', path, ...at], { root: client.root })
  expect(sent.status).not.toBe(0)
  fill(filler)
  expect(await ask(socket, '/readyz')).toEqual({
    status: 503,
    body: expect.stringMatching(/^the disk is full|^nothing can be written/),
  })
  expect(valueOf((await ask(socket, '/metrics')).body, 'countersign_ready')).toBe(0)
  expect((await ask(socket, '/healthz')).status).toBe(200)
  const told = await run('server', ['status'], { root: home.root })
  expect([told.status, told.stderr]).toEqual([14, expect.stringMatching(/^error: the server cannot store messages: /)])

  rmSync(filler)
  expect(await ask(socket, '/readyz')).toEqual({ status: 200, body: 'ready\n' })
  expect((await run('client', ['send', 'there is room', ...at], { root: client.root })).status).toBe(0)
  expect((await server.stop()).status).toBe(0)
})

test('a file that is no socket is left as it is where metrics should be answered', async () => {
  const home = sandbox.home('server', 'at-a-file')
  const path = join(home.root, 'notes.txt')
  writeFileSync(path, 'notes')
  const words = ['--host', '127.0.0.1', '--port', '0', '--metrics', `unix:${path}`]
  const { status, stderr } = await run('server', words, { root: home.root })
  expect([status, stderr]).toEqual([8, expect.stringContaining('EADDRINUSE')])
  expect(readFileSync(path, 'utf8')).toBe('notes')
})

test('who asks for the status and stays keeps no server from its end', async () => {
  const home = sandbox.home('server', 'asked')
  const { server } = await sandbox.serve(home)
  const asking = connect({ path: join(home.root, 'state/server/server.sock'), allowHalfOpen: true })
  onTestFinished(() => void asking.destroy())
  await once(asking, 'readable')
  expect((await server.stop()).status).toBe(0)
})

test('a server whose status cannot be asked for, as its home lies too deep for a socket, says so and serves', async () => {
  const home = sandbox.home('server', 'deep'.repeat(40))
  const { server } = await sandbox.serve(home)
  expect(server.stderr).toMatch(/^status cannot be asked for: .*EINVAL/m)
  expect((await server.stop()).status).toBe(0)
})
