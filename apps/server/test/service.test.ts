/** A server as a service: systemd's programs hold its socket, hear its notices and read its units. Where they are missing, that is said. */
import { run, Sandbox } from '@countersign/testing'
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import { afterAll, expect, onTestFinished, test, type TestContext } from 'vitest'

const repository = join(import.meta.dirname, '../../..')
const main = join(repository, 'apps/server/src/main.ts')
const sandbox = new Sandbox()
afterAll(() => sandbox[Symbol.asyncDispose]())

function needs(context: TestContext, ...programs: readonly string[]): void {
  const missing = programs.find((program) => spawnSync(program, ['--version']).status !== 0)
  if (missing === undefined) return
  console.log(`${context.task.name}: skipped, because there is no ${missing}`)
  context.skip(`there is no ${missing}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

/** What a program prints, all together; it is killed with the test where it still runs then. */
function started(
  program: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { until(pattern: RegExp): Promise<void> } {
  const child = spawn(program, words, { env: { PATH: process.env['PATH']!, ...env } })
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (printed += text))
  return {
    async until(pattern) {
      while (!pattern.test(printed)) await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')])
    },
  }
}

test('a socket that systemd has opened is served, whatever port the settings say', async (context) => {
  needs(context, 'systemd-socket-activate')
  const { server, client } = sandbox.pair()
  const port = await freePort()
  const env = ['HOME', 'NODE_COMPILE_CACHE'].map((name) => `--setenv=${name}`)
  const words = [...env, `--listen=127.0.0.1:${port}`, process.execPath, main, '--root', server.root, '--port', '1']
  const activated = started('systemd-socket-activate', words, { HOME: server.root })
  await activated.until(/Listening on 127\.0\.0\.1/)
  // The server starts only now, and that counts as part of the handshake.
  const at = ['--host', '127.0.0.1', '--port', String(port), '--timeout', '60']
  const sent = await run('client', ['send', 'knock, knock', ...at], { root: client.root })
  expect([sent.status, sent.stdout]).toEqual([0, expect.stringMatching(/receipt verified/)])
  await activated.until(new RegExp(`listening on 127\\.0\\.0\\.1:${port} as`))
})

test('the service manager hears that a server is ready, reloads, is ready again, and stops', async (context) => {
  needs(context, 'systemd-socket-activate', 'systemd-notify')
  const { server: home } = sandbox.pair('rsa')
  const socket = join(home.root, 'notify')
  // It stands in for the manager: what comes to the socket is printed.
  const manager = started('systemd-socket-activate', ['--datagram', `--listen=${socket}`, 'sh', '-c', 'exec cat <&3'])
  while (!existsSync(socket)) await new Promise((resolve) => setImmediate(resolve))
  const { start } = await import('@countersign/testing')
  const server = start('server', ['--host', '127.0.0.1', '--port', '0'], { root: home.root, env: { NOTIFY_SOCKET: socket } })
  onTestFinished(() => server[Symbol.asyncDispose]())
  await manager.until(/READY=1\nSTATUS=listening on 127\.0\.0\.1:\d+/)
  server.kill('SIGHUP')
  await manager.until(/RELOADING=1\nMONOTONIC_USEC=\d+[^]*READY=1\nSTATUS=reloaded/)
  expect(await server.stop()).toMatchObject({ status: 0, stderr: expect.not.stringContaining('could not be told') })
  await manager.until(/STOPPING=1/)
})

test('the units are what systemd understands, and shut the server in', (context) => {
  needs(context, 'systemd-analyze')
  const folder = join(sandbox.folder, 'units')
  cpSync(join(repository, 'deploy'), folder, { recursive: true })
  const unit = join(folder, 'countersign-server.service')
  // The program is not installed where this runs.
  writeFileSync(unit, readFileSync(unit, 'utf8').replace('/usr/local/bin/countersign-server', process.execPath))
  const analyze = (...words: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync('systemd-analyze', words, {
      encoding: 'utf8',
      env: { PATH: process.env['PATH']!, SYSTEMD_UNIT_PATH: `${folder}:` },
    })
  expect(analyze('verify', unit, join(folder, 'countersign-server.socket'))).toMatchObject({ status: 0, stdout: '', stderr: '' })
  const { stdout } = analyze('security', '--offline=true', '--no-pager', unit)
  const [, exposure] = /Overall exposure level for \S+: ([\d.]+) OK/.exec(stdout) ?? []
  expect(Number(exposure)).toBeLessThanOrEqual(1.4)
})
