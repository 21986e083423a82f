/** A proxy between a client and a server that counts bytes, and cuts or holds a connection at an exact one. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** From the client, or to it. */
export type Way = 'up' | 'down'

/** What is done once exactly `at` bytes of a connection have gone one way. */
export interface Plan {
  readonly way: Way
  readonly at: number
  /** Both sides lose the connection; or nothing more goes this way. */
  readonly act: 'cut' | 'hold'
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

export class Proxy implements AsyncDisposable {
  /** The port of the server; may change, for connections to come. */
  target: number
  /** For the next connection alone. */
  next: Plan | undefined
  /** Bytes that came in from either side, over all connections. */
  readonly bytes: Record<Way, number> = { up: 0, down: 0 }
  /** Plans that were carried out, in that order. */
  readonly done: Plan[] = []
  connections = 0
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  readonly #waiting = new Set<() => void>()

  private constructor(target: number) {
    this.target = target
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client))
  }

  static async open(target = 0): Promise<Proxy> {
    const proxy = new Proxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Resolves once this holds; it is asked whenever bytes have gone through. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }

  /** Ends all connections at once, on both sides. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy()
      server.destroy()
    }
  }

  /** Takes the connections from their clients; their servers do not notice. */
  leave(): void {
    for (const { client } of this.#pairs) client.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.cut()
    await once(this.#server, 'close')
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  #accept(client: Socket): void {
    const server = connect({ host: '127.0.0.1', port: this.target, noDelay: true, allowHalfOpen: true })
    const pair = { client, server }
    const plan = this.next
    this.next = undefined
    this.connections += 1
    this.#pairs.add(pair)
    server.on('error', () => client.destroy())
    client.on('error', () => {})
    // A server that is gone takes the client's connection with it; the other way `leave` may want it otherwise.
    server.on('close', () => {
      client.destroy()
      this.#pairs.delete(pair)
    })
    this.#forward('up', pair, plan)
    this.#forward('down', pair, plan)
  }

  #forward(way: Way, pair: Pair, plan: Plan | undefined): void {
    const [from, to] = way === 'up' ? [pair.client, pair.server] : [pair.server, pair.client]
    let left = plan?.way === way ? plan.at : Infinity
    const act = (): void => {
      this.done.push(plan!)
      from.pause()
      this.#wake()
      if (plan!.act === 'cut') to.end(() => setImmediate(() => [from, to].forEach((socket) => socket.destroy())))
    }
    if (left === 0) return act()
    from.on('data', (chunk: Buffer) => {
      const piece = chunk.subarray(0, left)
      left -= piece.length
      this.bytes[way] += piece.length
      if (!to.destroyed && !to.write(piece)) {
        from.pause()
        to.once('drain', () => left > 0 && from.resume())
      }
      if (left === 0) act()
      this.#wake()
    })
    from.on('end', () => {
      if (left > 0) to.end()
    })
  }
}
