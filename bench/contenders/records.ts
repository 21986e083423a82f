/** The record layer of Countersign alone: records of a session over a socket, no envelopes, no signatures. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Session, TrafficSecrets } from '@countersign/core/protocol'
import type { Contender, Setting } from '../harness/contender.ts'

type Protocol = typeof import('@countersign/core/protocol')

const PAYLOAD = 64 * 1024
const HIGH_WATER_MARK = 1024 * 1024
// For a stream, which a socket is, though its types do not tell.
const room = { highWaterMark: HIGH_WATER_MARK }

type Sealed = Pick<Protocol, 'release'> & { readonly session: Session }

async function sessionOver({ root }: Setting, role: 'client' | 'server'): Promise<Sealed> {
  const { Session, release } = (await import(pathToFileURL(join(root, 'packages/core/src/protocol.ts')).href)) as Protocol
  // Both sides hold them without a handshake: what is measured is what comes after one.
  const [client, server, sessionId] = [1, 2, 3].map((value) => new Uint8Array(32).fill(value))
  const secrets = { client, server, sessionId } as unknown as TrafficSecrets
  return { session: new Session({ role, secrets, mayReceive: true, now: performance.now() }), release }
}

function flush(session: Session, socket: Socket): boolean {
  socket.cork()
  for (const piece of session.takeOutput(performance.now())) socket.write(piece)
  socket.uncork()
  return !socket.writableNeedDrain
}

export const records: Contender = {
  about: 'the record layer of Countersign alone',
  async serve(setting) {
    const serve = async (socket: Socket): Promise<void> => {
      const { session, release } = await sessionOver(setting, 'server')
      socket.on('data', (chunk: Buffer) => {
        for (const event of session.receive(chunk, performance.now())) {
          if (event.type !== 'part') continue
          // Memory is given back once it has served, as core does with what it receives.
          event.pieces.forEach(release)
          if (event.end) session.send('MESSAGE-END', [], performance.now())
        }
        release(chunk)
        flush(session, socket)
      })
    }
    const server = createServer({ noDelay: true, ...room }, (socket) => {
      socket.on('error', () => {})
      void serve(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { port: (server.address() as AddressInfo).port, close: () => new Promise((resolve) => server.close(() => resolve())) }
  },
  async dial(setting, port, from) {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true, ...room })
    await once(socket, 'connect')
    const { session } = await sessionOver(setting, 'client')
    let answered: (() => void) | undefined
    socket.on('data', (chunk: Buffer) => {
      for (const event of session.receive(chunk, performance.now())) if (event.type === 'part') answered?.()
    })
    const piece = Buffer.alloc(PAYLOAD, 'bulk')
    return {
      post(body, acknowledged) {
        answered = acknowledged
        session.send('MESSAGE-END', [body], performance.now())
        flush(session, socket)
      },
      async bulk(length) {
        for (let left = length; left > 0; left -= PAYLOAD) {
          session.send('MESSAGE', [piece], performance.now())
          if (session.outputLength < HIGH_WATER_MARK / 8 && left > PAYLOAD) continue
          if (!flush(session, socket)) await once(socket, 'drain')
        }
        session.send('MESSAGE-END', [], performance.now())
        flush(session, socket)
        await new Promise<void>((resolve) => (answered = resolve))
      },
      async close() {
        socket.end()
        await once(socket, 'close')
      },
    }
  },
}
