/** What programs and webhooks are told of a message: its body whole, its fields apart from it, never a word of a shell. */
import { generatePrivateKey } from '@countersign/core'
import { CliError } from '@countersign/keyexchange/cli'
import { Sandbox } from '@countersign/testing'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { execHook } from '../../src/hooks/exec.ts'
import type { Post } from '../../src/hooks/hook.ts'
import { webhook } from '../../src/hooks/webhook.ts'

let sandbox: Sandbox

beforeAll(() => {
  sandbox = new Sandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

const key = generatePrivateKey().publicKey
const unhurried = AbortSignal.timeout(60_000)

const outbox = '00'.repeat(16)

function message(body: string, attributes: Record<string, string>): Post {
  const bytes = Buffer.from(body)
  return {
    id: 42,
    from: { name: 'alice', fingerprint: key.fingerprint },
    outbox,
    number: 5,
    sentAt: new Date(0),
    receivedAt: new Date(1000),
    content: {
      attributes: new Map(Object.entries(attributes)),
      length: bytes.length,
      bytes: () => Promise.resolve(bytes),
      async *stream() {
        yield bytes
      },
    },
  }
}

function script(name: string, lines: string): string {
  const path = join(sandbox.folder, name)
  writeFileSync(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 })
  return path
}

const attributes = { 'content-type': 'text/plain', name: '$(touch pwned) "ü"', kind: 'x' }

describe('a program', () => {
  test('reads the body and finds the fields in its environment', async () => {
    const out = join(sandbox.folder, 'told.txt')
    const hook = execHook(script('tell', `{ cat; echo; env | grep ^COUNTERSIGN_ | sort; } > '${out}'`))
    await hook.deliver(message('hello\nworld', attributes), unhurried)
    expect(readFileSync(out, 'utf8').split('\n')).toEqual([
      'hello',
      'world',
      `COUNTERSIGN_ATTRIBUTES=${JSON.stringify(attributes)}`,
      'COUNTERSIGN_CONTENT_TYPE=text/plain',
      `COUNTERSIGN_FINGERPRINT=${key.fingerprint}`,
      'COUNTERSIGN_FROM=alice',
      'COUNTERSIGN_ID=42',
      `COUNTERSIGN_KEY=${key.fingerprint}/${outbox}/5`,
      'COUNTERSIGN_LENGTH=11',
      'COUNTERSIGN_NAME=$(touch pwned) "ü"',
      'COUNTERSIGN_NUMBER=5',
      `COUNTERSIGN_OUTBOX=${outbox}`,
      'COUNTERSIGN_RECEIVED_AT=1970-01-01T00:00:01.000Z',
      'COUNTERSIGN_SENT_AT=1970-01-01T00:00:00.000Z',
      '',
    ])
  })

  test('need not read its input', async () => {
    await expect(
      execHook(script('deaf', 'exit 0')).deliver(message('x'.repeat(1_000_000), {}), unhurried),
    ).resolves.toBeUndefined()
  })

  test('is ended where the body cannot be read to its end, and takes no part of it for the whole', async () => {
    const whole = join(sandbox.folder, 'whole')
    const post = message('x', {})
    const content = {
      ...post.content,
      async *stream() {
        yield Buffer.from('a part')
        await new Promise((resolve) => setTimeout(resolve, 20))
        throw new Error('a stored item is shorter than it was')
      },
    }
    const hook = execHook(script('cat', `cat > /dev/null && touch '${whole}'`))
    await expect(hook.deliver({ ...post, content }, unhurried)).rejects.toThrow('a stored item is shorter than it was')
    expect(existsSync(whole)).toBe(false)
  })

  test('fails by its status, by a signal, and by taking too long', async () => {
    const deliver = (lines: string, signal = unhurried): Promise<void> =>
      execHook(script('fail', lines)).deliver(message('', {}), signal)
    await expect(deliver('exit 3')).rejects.toThrow('it ended with status 3')
    await expect(deliver('kill -TERM $$')).rejects.toThrow('it was ended by SIGTERM')
    await expect(deliver('exec sleep 600', AbortSignal.timeout(20))).rejects.toThrow(/abort/i)
  })

  test.each(['', 'missing'])('that cannot be run is told at once: %j', (name) => {
    expect(() => execHook(join(sandbox.folder, name))).toThrow(CliError)
  })
})

describe('a webhook', () => {
  test('gets the body as it is and the fields in headers; only success is success', async () => {
    const seen: { headers: IncomingHttpHeaders; body: string }[] = []
    let answer = 204
    const server = createServer((request, response) => {
      const take = async (): Promise<void> => {
        seen.push({ headers: request.headers, body: await text(request) })
        response.writeHead(answer, { location: '/elsewhere' }).end()
      }
      void take()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const hook = webhook(`http://127.0.0.1:${(server.address() as AddressInfo).port}/in`)
    await hook.deliver(message('hello', attributes), unhurried)
    expect(seen[0]!.body).toBe('hello')
    expect(seen[0]!.headers).toMatchObject({
      'content-type': 'text/plain',
      'idempotency-key': `${key.fingerprint}/${outbox}/5`,
      'countersign-id': '42',
      'countersign-from': 'alice',
      'countersign-fingerprint': key.fingerprint,
      'countersign-number': '5',
      'countersign-name': String.raw`$(touch pwned) "\u00fc"`,
    })
    answer = 500
    await expect(hook.deliver(message('hello', {}), unhurried)).rejects.toThrow('it answered 500')
    answer = 302
    await expect(hook.deliver(message('hello', {}), unhurried)).rejects.toThrow('fetch failed')
    expect(seen).toHaveLength(3)
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  test.each(['nowhere', 'ftp://host/', 'file:///etc/passwd'])('is at no such address: %s', (address) => {
    expect(() => webhook(address)).toThrow(CliError)
  })
})
