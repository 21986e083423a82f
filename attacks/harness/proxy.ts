/** A man in the middle who sees frames and decides, one by one, what travels on. */
import { connect, type ConnectOptions, CountersignError, isError } from '@countersign/core'
import type { Ground } from './ground.ts'
import { dial, Ended, Line, type Trap, trap } from './line.ts'

export type Way = 'to server' | 'to client'

export interface Middle extends Trap {
  /** Everything that was said on the last line through it, frame by frame. */
  readonly heard: { readonly way: Way; readonly frame: Uint8Array }[]
}

/** What travels on instead of a frame, the `index`-th of its way. */
export type Meddle = (way: Way, index: number, frame: Uint8Array) => readonly Uint8Array[] | 'cut'

/** Listens, and forwards to `port`. */
export async function middle(port: number, meddle: Meddle = (_, __, frame) => [frame]): Promise<Middle> {
  const heard: Middle['heard'] = []
  const listening = await trap((client) => void relay(client))
  async function relay(client: Line): Promise<void> {
    const server = await dial(port)
    const cut = (): void => {
      client.destroy()
      server.destroy()
    }
    const pump = async (way: Way, from: Line, to: Line): Promise<void> => {
      for (let index = 0; ; index++) {
        const frame = await from.frame()
        heard.push({ way, frame })
        const onward = meddle(way, index, frame)
        if (onward === 'cut') return cut()
        to.write(...onward)
      }
    }
    // Whoever ends is heard to end; a frame of the wrong length jams the parser, and then nothing more travels.
    const both = [pump('to server', client, server), pump('to client', server, client)] as const
    await Promise.all([both[0].catch(() => server.end()), both[1].catch(() => client.end())])
  }
  return { port: listening.port, heard, [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose]() }
}

/** An honest client's word on what came of it: `receipt`, or the code of its error. */
export async function honestly(
  ground: Ground,
  port: number,
  texts: readonly string[] = ['hello'],
  options: Partial<ConnectOptions> = {},
): Promise<string> {
  const honest = { host: '127.0.0.1', port, identity: ground.alice, peer: ground.publicKey, handshakeWithin: 8_000 }
  try {
    const session = await connect({
      ...honest,
      ...options,
      limits: { closeWithin: 500, pingAfter: 3_000, idleAfter: 9_000, ...options.limits },
    })
    try {
      for (const text of texts) await session.send(text)
    } catch (error) {
      const { error: cause } = await session.closed
      throw cause ?? error
    }
    await session.close()
    return 'receipt'
  } catch (error) {
    if (error instanceof CountersignError)
      return isError(error, 'NO_ANSWER') ? 'no answer' : error.code === 'CONNECT' ? error.message : error.code
    if (error instanceof Ended) return 'ended'
    throw error
  }
}

/** A HELLO that an honest client has said to this server. */
export async function recordedHello(ground: Ground): Promise<Uint8Array> {
  await using between = await middle(ground.port)
  await honestly(ground, between.port)
  return between.heard[0]!.frame
}
