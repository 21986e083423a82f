import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { duplexPair } from 'node:stream'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { hex } from '../../src/bytes.ts'
import { random, sha256 } from '../../src/crypto/hash.ts'
import type { Journal } from '../../src/delivery/journal.ts'
import { memoryJournal } from '../../src/delivery/memory-journal.ts'
import { LocalError } from '../../src/errors.ts'
import { connect } from '../../src/node/connect.ts'
import { secureClient, secureServer } from '../../src/node/secure.ts'
import { REASON } from '../../src/wire/records.ts'
import { alice, bob, dial, mallory, serve } from './parties.ts'

describe('two machines that hold each other’s key', () => {
  test('exchange messages and verified receipts both ways', async () => {
    const running = await serve()
    const client = await dial(running, { journal: memoryJournal() })
    const server = await running.next()
    const [receipt, back] = await Promise.all([client.send('ping', { id: '1' }), server.send('pong', { inReplyTo: '1' })])
    expect(receipt).toMatchObject({ outcome: 'received', number: 1 })
    expect(back).toMatchObject({ outcome: 'received', number: 1 })
    for await (const message of server) {
      expect([await message.text(), message.id]).toEqual(['ping', '1'])
      break
    }
    for await (const message of client) {
      expect([await message.text(), message.inReplyTo]).toEqual(['pong', '1'])
      break
    }
    expect(hex(server.peer.key.id)).toBe(hex(alice.publicKey.id))
    expect(client.id).toBe(server.id)
    expect(await client.ping()).toBeGreaterThan(0)
  })

  test('send what is long from a Blob, and what is many at once, across key updates', async () => {
    const running = await serve({ limits: { updateRecords: 3 } })
    const client = await dial(running, { limits: { updateRecords: 2, updateBytes: 100_000 } })
    const server = await running.next()
    const body = random(5_000_000)
    const sent = [client.send(new Blob([body as Uint8Array<ArrayBuffer>]), { name: '../../etc/passwd' })]
    for (let i = 0; i < 1000; i++) sent.push(client.send(`message ${i}`))
    const receipts = await Promise.all(sent)
    expect(receipts.map(({ number }) => number).toSorted((a, b) => a - b)).toEqual(receipts.map((_, i) => i + 1))
    const digests: string[] = []
    const texts: string[] = []
    for await (const message of server) {
      if (message.length === body.length) digests.push(hex(sha256(await message.bytes())))
      else texts.push(await message.text())
      if (texts.length + digests.length === 1001) break
    }
    expect(digests).toEqual([hex(sha256(body))])
    expect(texts).toEqual(Array.from({ length: 1000 }, (_, i) => `message ${i}`))
  })

  test('speak over any byte stream', async () => {
    const [left, right] = duplexPair()
    const [client, server] = await Promise.all([
      secureClient(left, { identity: alice, peer: bob.publicKey }),
      secureServer(right, { identity: bob, peers: [alice.publicKey], journal: memoryJournal() }),
    ])
    expect((await client.send('over a pipe')).outcome).toBe('received')
    await client.close()
    expect(await server.closed).toEqual({ reason: REASON.done })
  })

  test('end with CLOSE from either side, after all receipts; iteration then ends', async () => {
    const running = await serve()
    const client = await dial(running)
    const server = await running.next()
    const sent = client.send('last')
    await client.close()
    await expect(sent).resolves.toMatchObject({ number: 1 })
    const texts: string[] = []
    for await (const message of server) texts.push(await message.text())
    expect(texts).toEqual(['last'])
    expect(await client.closed).toEqual({ reason: REASON.done })
    await expect(client.send('too late')).rejects.toMatchObject({ code: 'CLOSED_BY_PEER' })
  })

  test('may be closed by `await using`', async () => {
    const running = await serve()
    let ended
    {
      await using client = await connect({ host: '127.0.0.1', port: running.server.port, identity: alice, peer: bob.publicKey })
      void client.send('flushed').catch(() => {})
      ended = client.closed
    }
    expect(await ended).toEqual({ reason: REASON.done })
    for await (const message of await running.next()) expect(await message.text()).toBe('flushed')
  })
})

describe('a client', () => {
  test('that is unknown is refused, with one answer', async () => {
    const running = await serve()
    await expect(dial(running, { identity: mallory })).rejects.toMatchObject({ code: 'UNTRUSTED', fault: 'peer' })
    expect(running.rejected.map(({ code }) => code)).toEqual(['UNTRUSTED'])
  })

  test('whose key is revoked, who comes while the server takes nobody, or who has the server’s own key is told so', async () => {
    const revoked = await serve({ peers: () => ({ revoked: alice.publicKey }) })
    await expect(dial(revoked)).rejects.toMatchObject({ code: 'REVOKED' })
    const busy = await serve({ admits: () => false })
    await expect(dial(busy)).rejects.toMatchObject({ code: 'BUSY' })
    await expect(dial(await serve(), { identity: bob })).rejects.toMatchObject({ code: 'OWN_KEY' })
  })

  test('that pins another key gets no byte, and gives up at its deadline', async () => {
    const running = await serve({ handshakeWithin: 300 })
    await expect(dial(running, { peer: mallory.publicKey, handshakeWithin: 100 })).rejects.toMatchObject({
      code: 'NO_ANSWER',
      fault: 'network',
    })
  })

  test('finds nobody on a closed port, and another protocol on another', async () => {
    const other = createServer((socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    await expect(connect({ host: '127.0.0.1', port, identity: alice, peer: bob.publicKey })).rejects.toMatchObject({
      code: 'FRAME',
    })
    await new Promise((resolve) => other.close(resolve))
    await expect(connect({ host: '127.0.0.1', port, identity: alice, peer: bob.publicKey })).rejects.toMatchObject({
      code: 'CONNECT',
    })
  })

  test('can be aborted before and while it dials, and the signal does not touch the session', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void silent.close())
    const { port } = silent.address() as { port: number }
    const options = { host: '127.0.0.1', port, identity: alice, peer: bob.publicKey }
    await expect(connect({ ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(connect({ ...options, signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ code: 'ABORTED' })
    const abort = new AbortController()
    const client = await dial(await serve(), { signal: abort.signal })
    abort.abort()
    expect((await client.send('still here')).outcome).toBe('received')
  })

  test('without a journal takes no messages, and the server is told before it sends', async () => {
    const running = await serve()
    await dial(running)
    const server = await running.next()
    expect(server.sends).toBe(false)
    await expect(server.send('x')).rejects.toMatchObject({ code: 'PEER_NOT_RECEIVING' })
  })

  test('does not send what is longer than the server takes', async () => {
    const client = await dial(await serve({ maxItem: 100 }))
    await expect(client.send('x'.repeat(82))).rejects.toMatchObject({ code: 'MESSAGE_TOO_LONG' })
    expect((await client.send('x'.repeat(81))).outcome).toBe('received')
  })

  test('whose connection is cut has its sends rejected, and both sides call it truncated', async () => {
    const running = await serve()
    const proxy = await cutter(running.server.port)
    const client = await connect({ host: '127.0.0.1', port: proxy.port, identity: alice, peer: bob.publicKey })
    const server = await running.next()
    await client.send('before')
    proxy.cut()
    await expect(client.send('after')).rejects.toMatchObject({ code: 'TRUNCATED' })
    expect((await client.closed).error?.code).toBe('TRUNCATED')
    expect((await server.closed).error?.code).toBe('TRUNCATED')
    const read = async (): Promise<string[]> => {
      const texts: string[] = []
      for await (const message of server) texts.push(await message.text())
      return texts
    }
    await expect(read()).rejects.toMatchObject({ code: 'TRUNCATED' })
  })
})

describe('a server', () => {
  test('sends a stranger no byte, and reads on until its deadline', async () => {
    const running = await serve({ handshakeWithin: 200 })
    const heard = await stranger(running.server.port, random(4000))
    expect(heard.length).toBe(0)
    expect(running.rejected.map(({ code }) => code)).toEqual(['HELLO_REJECTED'])
  })

  test('listens where it is told to otherwise: on a Unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'socket')
    const running = await serve({ on: { path } })
    expect(running.server.address).toBe(path)
    const client = await secureClient(createConnection(path), { identity: alice, peer: bob.publicKey })
    expect((await client.send('without a port')).outcome).toBe('received')
    await client.close()
  })

  test('that cannot store says so with CLOSE 6, and the client’s send is rejected', async () => {
    const journal: Journal = { ...memoryJournal(), append: () => Promise.reject(new LocalError('STORAGE', 'disk full')) }
    const client = await dial(await serve({ journal }))
    await expect(client.send('x')).rejects.toMatchObject({ code: 'PEER_STORAGE' })
  })

  test('that fails inside says CLOSE 8 and nothing of why', async () => {
    const journal: Journal = { ...memoryJournal(), append: () => Promise.reject(new TypeError('a secret of ours')) }
    const client = await dial(await serve({ journal }))
    await expect(client.send('x')).rejects.toMatchObject({
      code: 'CLOSED_BY_PEER',
      message: expect.not.stringContaining('secret'),
    })
  })

  test('that is closed tells its clients, who keep their receipts, and leaves nothing open', async () => {
    const running = await serve()
    const client = await dial(running)
    const receipts = Array.from({ length: 100 }, (_, i) => client.send(`${i}`))
    await receipts[0]
    await running.server.close()
    expect(await client.closed).toMatchObject({ reason: REASON.goingAway })
    const outcomes = await Promise.allSettled(receipts)
    expect(outcomes[0]!.status).toBe('fulfilled')
    const codes = outcomes
      .filter((outcome) => outcome.status === 'rejected')
      .map(({ reason }) => (reason as { code: string }).code)
    expect(codes.filter((code) => code !== 'CLOSED_BY_PEER')).toEqual([])
    expect(running.server.sessions.size).toBe(0)
  })

  test('answers to whichever of its identities the gate names', async () => {
    const running = await serve({ identity: [mallory, bob] })
    const old = await dial(running)
    const fresh = await dial(running, { peer: { keys: [bob.publicKey, mallory.publicKey] } })
    expect([await old.send('x'), await fresh.send('y')].map(({ statement }) => hex(statement.from))).toEqual(
      [bob, mallory].map(({ publicKey }) => hex(publicKey.id)),
    )
  })
})

describe('silence', () => {
  test('is broken by PING, and a session in which nothing is heard ends with CLOSE 2', async () => {
    const limits = { pingAfter: 50, idleAfter: 100_000 }
    const kinds: (string | undefined)[] = []
    const running = await serve({ limits, trace: ({ sent, kind }) => void (sent && kinds.push(kind)) })
    await dial(running)
    await vi.waitUntil(() => kinds.filter((kind) => kind === 'PING').length >= 2, { timeout: 20_000 })
    const deaf = await serve({ limits: { pingAfter: 50, idleAfter: 500, closeWithin: 50 } })
    const proxy = await cutter(deaf.server.port)
    const client = await connect({ host: '127.0.0.1', port: proxy.port, identity: alice, peer: bob.publicKey })
    const server = await deaf.next()
    proxy.hold()
    expect((await server.closed).error?.code).toBe('IDLE')
    await client.abandon(0)
  })
})

/** A connection that sends these bytes and answers with all that it hears. */
async function stranger(port: number, bytes: Uint8Array = new Uint8Array(0)): Promise<Buffer> {
  const socket = createConnection({ port, host: '127.0.0.1' })
  const heard: Buffer[] = []
  socket.on('data', (chunk: Buffer) => heard.push(chunk))
  socket.on('error', () => {})
  socket.write(bytes)
  await new Promise((resolve) => socket.once('end', resolve))
  socket.destroy()
  return Buffer.concat(heard)
}

interface Cutter {
  readonly port: number
  cut(): void
  hold(): void
}

/** A proxy whose connections can be cut, or held without a sign. */
async function cutter(target: number): Promise<Cutter> {
  const sockets: Socket[] = []
  const proxy = createServer((near) => {
    const far = createConnection({ port: target, host: '127.0.0.1' })
    for (const socket of [near, far]) socket.on('error', () => {})
    sockets.push(near, far)
    near.pipe(far)
    far.pipe(near)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    proxy.close()
  })
  return {
    port: (proxy.address() as { port: number }).port,
    cut: () => sockets.forEach((socket) => socket.destroy()),
    hold: () => {
      for (const socket of sockets) socket.unpipe()
      for (const socket of sockets) socket.pause()
    },
  }
}
