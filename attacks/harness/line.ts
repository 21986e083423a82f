/** A byte stream in an attacker's hands. */
import { concat } from '@countersign/core/protocol'
import { once } from 'node:events'
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** The peer ended the stream, or cut it, before what was waited for had come. */
export class Ended extends Error {
  override readonly name = 'Ended'
}

/** Nothing came for so long. */
export class Silence extends Error {
  override readonly name = 'Silence'
}

/** How long an attacker waits for a peer's next byte, in ms: longer than any deadline that the peers here have. */
const PATIENCE = 20_000

export class Line {
  readonly stream: Duplex
  #chunks: Uint8Array[] = []
  #available = 0
  #ended = false
  #wake: (() => void) | undefined
  /** All bytes that have come. */
  received = 0

  constructor(stream: Duplex) {
    this.stream = stream
    stream.on('data', (chunk: Uint8Array) => {
      this.#chunks.push(chunk)
      this.#available += chunk.length
      this.received += chunk.length
      this.#wake?.()
    })
    const end = (): void => {
      this.#ended = true
      this.#wake?.()
    }
    for (const event of ['end', 'error', 'close'] as const) stream.on(event, end)
  }

  /** Exactly so many bytes. @throws Ended, Silence */
  async read(length: number, patience: number = PATIENCE): Promise<Uint8Array> {
    const deadline = performance.now() + patience
    while (this.#available < length) {
      if (this.#ended) throw new Ended(`the stream ended after ${this.received} bytes`)
      await this.#change(deadline)
    }
    const all = concat(...this.#chunks)
    this.#chunks = [all.subarray(length)]
    this.#available -= length
    return all.subarray(0, length)
  }

  /** One whole frame. */
  async frame(): Promise<Uint8Array> {
    const header = await this.read(4)
    return concat(header, await this.read((header[1]! << 16) | (header[2]! << 8) | header[3]!))
  }

  /** Whatever comes until the peer ends the stream. @throws Silence where it does not */
  async rest(patience: number = PATIENCE): Promise<Uint8Array> {
    const deadline = performance.now() + patience
    while (!this.#ended) await this.#change(deadline)
    const all = concat(...this.#chunks)
    this.#chunks = []
    this.#available = 0
    return all
  }

  write(...pieces: readonly Uint8Array[]): void {
    if (this.stream.writable) this.stream.write(concat(...pieces))
  }

  /** Says that nothing more will be sent. */
  end(): void {
    this.stream.end()
  }

  destroy(): void {
    this.stream.destroy()
  }

  async #change(deadline: number): Promise<void> {
    const left = deadline - performance.now()
    if (left <= 0) throw new Silence(`nothing more came after ${this.received} bytes`)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = setTimeout(resolve, left)
    await promise
    clearTimeout(timer)
    this.#wake = undefined
  }
}

let addresses = 0

/** An address of this machine's own that no other attacker came from lately: so that caps of one do not meet another. */
export function freshAddress(): string {
  addresses += 1
  return `127.${1 + (addresses >> 16)}.${(addresses >> 8) & 0xff}.${1 + (addresses % 254)}`
}

/** Dials a port on loopback, from an address of its own. */
export async function dial(port: number, localAddress: string = freshAddress()): Promise<Line> {
  const socket = createConnection({ host: '127.0.0.1', port, localAddress, noDelay: true, allowHalfOpen: true })
  const line = new Line(socket)
  await once(socket, 'connect')
  return line
}

/** Something that listens on loopback and does what it is told with everybody who comes. */
export interface Trap extends AsyncDisposable {
  readonly port: number
}

export async function trap(onLine: (line: Line, socket: Socket) => void): Promise<Trap> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    onLine(new Line(socket), socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => void server.close(() => resolve()))
    },
  }
}
