/** What a client sends arrives, signed, and comes back countersigned: with every type of identity and every kind of input. */
import { type Home, type KeyType, type Outcome, run, type Running, Sandbox } from '@countersign/testing'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

let sandbox: Sandbox

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

function json<T>(lines: string): T[] {
  return lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T)
}

interface ReceiptLine {
  readonly outcome: string
  readonly number: number
  readonly name?: string
  readonly verified: boolean
  readonly receiver: { readonly name: string; readonly fingerprint: string }
}

interface MessageLine {
  readonly event: string
  readonly from: { readonly name: string; readonly fingerprint: string }
  readonly number: number
  readonly signature: string
  readonly attributes: Readonly<Record<string, string>>
  readonly length: number
  readonly text?: string
  readonly base64?: string
}

const outcomes = /^(stored|received)$/

describe.each<KeyType>(['ed25519', 'rsa', 'ml-dsa-65'])('with %s identities', (type) => {
  test('a text, a file and lines arrive whole, in order, once, each with its receipt', async () => {
    const pair = sandbox.pair(type)
    const { server, at } = await sandbox.serve(pair.server, '--json')
    const send = (words: string[], input = ''): Promise<Outcome> =>
      run('client', ['send', ...words, ...at, '--json'], { root: pair.client.root, input })
    const text = await send(['hello', 'wörld'])
    const file = await send(['--file', 'package.json'])
    const lines = await send(['--lines'], 'one\ntwo\nthree')
    const { status, stdout } = await server.stop()

    expect([text.status, file.status, lines.status, status]).toEqual([0, 0, 0, 0])
    const receipts = json<ReceiptLine>(text.stdout + file.stdout + lines.stdout)
    const { fingerprint } = pair.server.key.publicKey
    for (const receipt of receipts) {
      const receiver = { name: pair.server.name, fingerprint }
      expect(receipt).toMatchObject({ verified: true, outcome: expect.stringMatching(outcomes), receiver })
    }
    const [listening, ...messages] = json<MessageLine>(stdout)
    expect(listening!.event).toBe('listening')
    const sender = { name: pair.client.name, fingerprint: pair.client.key.publicKey.fingerprint }
    for (const message of messages) expect(message).toMatchObject({ event: 'message', signature: 'verified', from: sender })
    expect(messages.map((message) => message.number)).toEqual(receipts.map((receipt) => receipt.number))
    const content = readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8')
    expect(messages.map((message) => message.text)).toEqual(['hello wörld', content, 'one', 'two', 'three'])
    expect(messages[1]!.attributes).toEqual({ name: 'package.json', 'content-type': 'application/json' })
  })
})

describe('one pair', () => {
  let pair: { readonly server: Home; readonly client: Home }
  let server: Running
  let at: string[]

  beforeAll(() => {
    pair = { server: sandbox.home('server', 'the-server'), client: sandbox.home('client', 'the-client') }
    sandbox.trust(pair.server, pair.client)
    sandbox.trust(pair.client, pair.server)
  })
  beforeEach(async () => {
    ;({ server, at } = await sandbox.serve(pair.server))
  })
  afterEach(() => server[Symbol.asyncDispose]())

  const send = (words: string[], input: string | Uint8Array = ''): Promise<Outcome> =>
    run('client', ['send', ...words, ...at], { root: pair.client.root, input })

  test('people read who sent what, when, and that the signature was verified', async () => {
    const { stdout, status } = await send(['hello'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^#\d+ {2}(stored|received, not stored) by the-server at 20\d\d-.*Z, receipt verified\n$/)
    await server.until(/hello/)
    const { fingerprint } = pair.client.key.publicKey
    expect(server.stdout).toContain('the-client #')
    expect(server.stdout).toContain(`${fingerprint}  20`)
    expect(server.stdout).toMatch(/Z {2}signature verified {2}id \d+\n {4}hello\n/)
  })

  test('standard input is one message, byte for byte, also where it is no text', async () => {
    await server.stop()
    ;({ server, at } = await sandbox.serve(pair.server, '--json'))
    const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i * 7)
    expect((await send([], bytes)).status).toBe(0)
    const messages = json<MessageLine>((await server.stop()).stdout).slice(1)
    expect(messages).toHaveLength(1)
    expect(Buffer.from(messages[0]!.base64!, 'base64').equals(bytes)).toBe(true)
  })

  test('a file of many records arrives with the same digest', async () => {
    const path = join(sandbox.folder, 'large.bin')
    const large = Buffer.alloc(700_001, 'countersign ')
    writeFileSync(path, large)
    await server.stop()
    ;({ server, at } = await sandbox.serve(pair.server, '--json'))
    expect((await send(['--file', path])).status).toBe(0)
    const message = json<MessageLine>((await server.stop()).stdout).at(-1)!
    const digest = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex')
    expect(digest(message.text!)).toBe(digest(large))
  })

  test('control characters in a text and in a name are shown, never acted on', async () => {
    const path = join(sandbox.folder, 'in\u001b[2Jvoice.txt')
    writeFileSync(path, 'line one\nline\u001b]0;owned\u0007 two\r\u202e\u009b31m\n')
    expect((await send(['--file', path])).status).toBe(0)
    expect((await send(['--id', 'a b', 'bell\u0007'])).status).toBe(0)
    await server.until(/bell/)
    // oxlint-disable-next-line no-control-regex -- it is what must not be there
    expect(server.stdout + server.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
    expect(server.stdout).toContain(String.raw`    line\u{1b}]0;owned\u{7} two\u{d}\u{202e}\u{9b}31m`)
    expect(server.stdout).toContain(String.raw`in\u{1b}[2Jvoice.txt`)
    expect(server.stdout).toContain(String.raw`bell\u{7}`)
  })

  test('--trace tells every step with its size, what each field is for, and nothing of what they hold', async () => {
    const { stderr, status } = await send(['--trace', 'an-unlikely-word'])
    expect(status).toBe(0)
    const steps = [...stderr.matchAll(/^([→←]) (\S+) {2}(\d+) bytes/gm)].map(([, way, name, size]) => [way, name, Number(size)])
    expect(steps.slice(0, 4)).toEqual([
      ['→', 'HELLO', 1292],
      ['←', 'HELLO+ACK', 5268],
      ['→', 'ACK', 4116],
      ['←', 'SESSION-KEY', 1044],
    ])
    const names = steps.slice(4).map(([way, name]) => `${way} ${name}`)
    expect(names).toEqual(expect.arrayContaining(['→ PING', '→ MESSAGE-END', '← RECEIPT', '→ CLOSE', '← CLOSE']))
    expect(names.indexOf('→ MESSAGE-END')).toBeLessThan(names.indexOf('← RECEIPT'))
    // Whatever is secret is 16 bytes or more of chance: it would be a long word of hexadecimal or base64.
    expect(stderr).not.toMatch(/[A-Za-z0-9+/_-]{20,}/)
    expect(stderr).not.toContain('an-unlikely-word')
  })

  test('quiet prints receipts alone', async () => {
    const { stdout, stderr } = await send(['--quiet', 'hush'])
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^#\d+ .*receipt verified\n$/)
  })
})

test('during a rotation that the server has not accepted yet, the client goes on as its previous key', async () => {
  const server = sandbox.home('server', 'slow-server')
  const client = sandbox.home('client', 'rotating-client')
  sandbox.trust(server, client)
  sandbox.trust(client, server)
  const rotated = await run('keys', ['rotate', '--as', 'client', '--overlap', '1h'], { root: client.root })
  expect(rotated.stderr).toBe('')
  expect(rotated.status).toBe(0)
  const { server: running, at } = await sandbox.serve(server)
  const { status, stdout, stderr } = await run('client', ['send', 'as before', ...at], { root: client.root })
  expect(stderr).toBe('')
  expect(stdout).toContain('receipt verified')
  expect(status).toBe(0)
  await running.until(/as before/)
  expect(running.stdout).toContain(client.key.publicKey.fingerprint)
})
