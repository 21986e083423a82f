/** What goes wrong is told in one `error:` line and one `hint:` line, with the exit status that scripts can rely on. */
import { type Home, type Outcome, run, Sandbox } from '@countersign/testing'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

let sandbox: Sandbox

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

/** How a program ended, in the form of `failure`. */
function told({ status, stdout, stderr }: Outcome): object {
  const lines = stderr.trimEnd().split('\n')
  const which = (word: string): string[] => lines.filter((line) => line.startsWith(word))
  return { status, stdout, errors: which('error: '), hints: which('hint: '), last: lines.at(-1) }
}

/** Exactly one line that says what happened, exactly one, the last, that says what to do, and the status. */
function failure(status: number, error: RegExp, hint: RegExp): object {
  const [errors, hints] = [[expect.stringMatching(error)], [expect.stringMatching(hint)]]
  return { status, stdout: '', errors, hints, last: hints[0] }
}

/** Something that listens and speaks no Countersign. */
async function listening(server: Server): Promise<{ at: string[] } & AsyncDisposable> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => void sockets.add(socket.on('error', () => {})))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    at: ['--host', '127.0.0.1', '--port', String(port)],
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise<void>((resolve) => void server.close(() => resolve()))
    },
  }
}

function send(client: Home, ...words: string[]): Promise<Outcome> {
  return run('client', ['send', 'hello', ...words], { root: client.root })
}

describe('the client and its peer', () => {
  test('a wrong server key pinned: the server stays silent, the client gives up and doubts the key', async () => {
    const server = sandbox.home('server', 'real-server')
    const other = sandbox.home('server', 'other-server')
    const client = sandbox.home('client', 'misled-client')
    sandbox.trust(server, client)
    sandbox.trust(client, other)
    const { at } = await sandbox.serve(server)
    expect(told(await send(client, ...at, '--timeout', '1'))).toEqual(
      failure(12, /did not answer the handshake in time/, /hold each other's present key/),
    )
  })

  test('an unknown client is told so, and no more', async () => {
    const server = sandbox.home('server', 'choosy-server')
    const client = sandbox.home('client', 'unknown-client')
    sandbox.trust(client, server)
    const { at } = await sandbox.serve(server)
    expect(told(await send(client, ...at))).toEqual(failure(11, /not trusted/, /must hold your public key: run `keys swap`/))
  })

  test('a revoked client is told that its key is revoked', async () => {
    const server = sandbox.home('server', 'stern-server')
    const client = sandbox.home('client', 'revoked-client')
    sandbox.trust(client, server)
    sandbox.trust(server, client)
    sandbox.revoke(server, client)
    const { at } = await sandbox.serve(server)
    expect(told(await send(client, ...at))).toEqual(failure(10, /revoked/, /make a new key/))
  })

  test('a port that is closed', async () => {
    const { client } = sandbox.pair()
    const gone = await listening(createServer())
    await gone[Symbol.asyncDispose]()
    expect(told(await send(client, ...gone.at))).toEqual(
      failure(8, /no connection: 127\.0\.0\.1 port \d+: .*ECONNREFUSED/, /check the address/),
    )
  })

  test('another protocol on the port: a web server', async () => {
    const { client } = sandbox.pair('rsa')
    await using web = await listening(createHttpServer((_, response) => response.end('hello')))
    expect(told(await send(client, ...web.at))).toEqual(
      failure(12, /a frame of type 72 where HELLO\+ACK is due/, /something other than the pinned peer/),
    )
  })

  test('silence on the port', async () => {
    const { client } = sandbox.pair('ml-dsa-65')
    await using silence = await listening(createServer(() => {}))
    expect(told(await send(client, ...silence.at, '--timeout', '0.5'))).toEqual(
      failure(12, /did not answer the handshake in time/, /check the address/),
    )
  })

  test('a server whose place nobody knows', async () => {
    const server = sandbox.home('server', 'lost-server')
    const client = sandbox.home('client', 'lost-client')
    sandbox.trust(client, server)
    expect(told(await send(client))).toEqual(failure(2, /not known where lost-server is; nothing was sent/, /--host/))
  })

  test('a peer that is not there, and one of several that is not named', async () => {
    const client = sandbox.home('client', 'popular-client')
    expect(told(await send(client))).toEqual(failure(4, /trusts no peer yet/, /keys swap/))
    for (const name of ['one', 'two']) sandbox.trust(client, sandbox.home('server', name))
    expect(told(await send(client))).toEqual(failure(2, /trusts several peers/, /name one of them: one, two/))
    expect(told(await send(client, '--to', 'three'))).toEqual(failure(4, /no peer named three/, /keys list/))
  })
})

describe.each(['server', 'client'] as const)('the home of a %s', (role) => {
  const words = role === 'client' ? ['send', 'hello'] : ['--port', '0']
  const start = (root: string): Promise<Outcome> => run(role, words, { root })

  test('is missing', async () => {
    expect(told(await start(join(sandbox.folder, 'nowhere')))).toEqual(failure(4, /nowhere/, /keys init/))
  })

  test('holds a private key that others can read', async () => {
    const home = sandbox.home(role, `open-${role}`)
    chmodSync(join(home.folder, 'identity.pem'), 0o644)
    expect(told(await start(home.root))).toEqual(failure(5, /others can read the private key .*; it was not used/, /chmod 600 /))
  })

  test('holds a private key that is none', async () => {
    const home = sandbox.home(role, `bad-${role}`)
    writeFileSync(join(home.folder, 'identity.pem'), '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n')
    expect(told(await start(home.root))).toEqual(failure(6, /not a PEM file with one key/, /PKCS#8/))
  })

  test('has peers that others can write', async () => {
    const home = sandbox.home(role, `loose-${role}`)
    chmodSync(join(home.folder, 'peers'), 0o777)
    expect(told(await start(home.root))).toEqual(failure(5, /others can write .*peers/, /chmod go-w/))
  })
})

test('a peer file that is no key fails the client that needs it, and is left out by a server that does not', async () => {
  const server = sandbox.home('server', 'garbled-server')
  const client = sandbox.home('client', 'garbled-client')
  sandbox.trust(server, client)
  writeFileSync(join(client.folder, 'peers', 'garbled-server.pem'), 'not a key\n')
  writeFileSync(join(server.folder, 'peers', 'stray.pem'), 'not a key\n')
  expect(told(await send(client, '--to', 'garbled-server'))).toEqual(failure(6, /not a PEM file/, /PKCS#8/))
  const { server: running } = await sandbox.serve(server)
  await running.until(/left out: .*stray\.pem|left out: not a PEM file/)
  expect((await running.stop()).status).toBe(0)
})

describe('the command line', () => {
  test('a port that is in use', async () => {
    const first = sandbox.home('server', 'first-server')
    const second = sandbox.home('server', 'second-server')
    const { port } = await sandbox.serve(first)
    const outcome = await run('server', ['--host', '127.0.0.1', '--port', port], { root: second.root })
    expect(told(outcome)).toEqual(failure(8, /EADDRINUSE/, /another program listens there/))
  })

  test.each([
    ['server', ['--prot', '1'], /unknown option '--prot'/, /did you mean --port\?/],
    ['server', ['--port', 'http'], /--port/, /see --help/],
    ['server', ['bogus'], /no command bogus/, /see --help/],
    ['client', ['send', 'hello', '--tp', 'x'], /unknown option '--tp'/, /did you mean --to\?/],
    ['client', ['hello'], /no command hello/, /countersign-client send TEXT/],
    ['client', ['sned', 'hello'], /no command sned/, /did you mean send\?/],
    ['client', ['outbox', 'lst'], /too many arguments/, /./],
    ['client', [], /no command was given/, /countersign-client send TEXT/],
  ] as const)('%s %j', async (program, words, error, hint) => {
    expect(told(await run(program, words, { root: sandbox.folder }))).toEqual(failure(2, error, hint))
  })

  test('a file that is missing, and one that is a folder, are told before anything is sent', async () => {
    const client = sandbox.home('client', 'filing-client')
    sandbox.trust(client, sandbox.home('server', 'filing-server'), '127.0.0.1:1')
    const file = (path: string): Promise<Outcome> => run('client', ['send', '--file', path], { root: client.root })
    expect(told(await file('missing.txt'))).toEqual(failure(4, /missing\.txt/, /check the path/))
    expect(told(await file(sandbox.folder))).toEqual(failure(2, /is no file; nothing was sent/, /name a file/))
    const evidence = await run('client', ['verify', 'nowhere'], { root: client.root })
    expect(told(evidence)).toEqual(failure(4, /there is no folder nowhere/, /an export/))
  })

  test('with --json a failure is an object too', async () => {
    const { status, stdout } = await run('client', ['send', 'hello', '--json'], { root: join(sandbox.folder, 'none') })
    expect(status).toBe(4)
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'MISSING', exit: 4, message: expect.stringContaining('none'), hint: expect.stringContaining('keys init') },
    })
  })
})

test('a home that vanishes under a running server ends nothing: it trusts nobody any more', async () => {
  const server = sandbox.home('server', 'robbed-server')
  const client = sandbox.home('client', 'robbing-client')
  sandbox.trust(server, client)
  sandbox.trust(client, server)
  const { server: running, at } = await sandbox.serve(server)
  expect((await send(client, ...at)).status).toBe(0)
  rmSync(join(server.folder, 'peers', 'robbing-client.pem'))
  await running.until(/this home trusts no peer/)
  expect(told(await send(client, ...at))).toEqual(failure(11, /not trusted/, /keys swap/))
})
