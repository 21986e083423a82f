/** Contenders that are a stream of Node's, or like one, once their handshake is done. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import type { Contender, Setting } from '../harness/contender.ts'
import { answer, framedLink, type Framing, type Stream } from './framed.ts'

/** What node:net, node:tls, streamx and ssh2 agree on. */
export interface DuplexLike {
  write(bytes: Uint8Array): boolean
  on(event: 'data', take: (bytes: Uint8Array) => void): unknown
  on(event: 'drain' | 'close', go: () => void): unknown
  on(event: 'error', fail: (error: Error) => void): unknown
  end(): unknown
}

export function streamOf(duplex: DuplexLike): Stream {
  duplex.on('error', () => {})
  const closed = new Promise<void>((resolve) => duplex.on('close', resolve))
  return {
    write: (bytes) => duplex.write(bytes),
    onData: (take) => void duplex.on('data', take),
    onDrain: (go) => void duplex.on('drain', go),
    close() {
      duplex.end()
      return closed
    },
  }
}

export interface Transport {
  readonly about: string
  /** A server that hands on each connection once its handshake is done. */
  listener(setting: Setting, connected: (stream: Stream) => void): Server | Promise<Server>
  dial(setting: Setting, port: number, from: string): Promise<Stream>
}

/** A stream as a contender. */
export function framed(transport: Transport, { each = false, drops = false }: Partial<Framing> = {}): Contender {
  const framing = { each, drops }
  return {
    about: `${transport.about}; ${each ? 'each message and acknowledgement a write of its own' : 'messages and acknowledgements batched as they come'}`,
    async serve(setting) {
      const server = await transport.listener(setting, (stream) => answer(stream, framing))
      server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
      await once(server, 'listening')
      return {
        port: (server.address() as AddressInfo).port,
        close: () => new Promise((resolve) => server.close(() => resolve())),
      }
    },
    dial: async (setting, port, from) => framedLink(await transport.dial(setting, port, from), framing),
  }
}

export { createServer }
