import { connect, CountersignError, memoryJournal, secureClient, secureServer } from '@countersign/core'
import { getEventListeners } from 'node:events'
import { duplexPair } from 'node:stream'
import { type Attack, Cases } from '../harness/attack.ts'
import type { Ground } from '../harness/ground.ts'
import { rogueServer } from '../harness/handshake.ts'
import { trap } from '../harness/line.ts'
import { pause } from '../harness/process.ts'

/** What Node says of promises that nobody awaited, while `work` runs and a moment after. */
async function unhandledWhile(work: () => Promise<void>): Promise<string[]> {
  const unhandled: string[] = []
  const note = (reason: unknown): void => void unhandled.push(String(reason))
  const warn = ({ name, message }: Error): void => void unhandled.push(`${name}: ${message}`)
  process.on('unhandledRejection', note)
  process.on('warning', warn)
  try {
    await work()
    await pause(300)
  } finally {
    process.off('unhandledRejection', note)
    process.off('warning', warn)
  }
  return unhandled
}

function ended(error: unknown): string {
  return error instanceof CountersignError ? error.code : `a strange error: ${String(error)}`
}

/** Aborts when the client's trace has told of so many steps. */
async function abortAt(ground: Ground, step: number): Promise<string> {
  const abort = new AbortController()
  let steps = 0
  const trace = (): void => {
    if (++steps > step) abort.abort()
  }
  if (step < 0) abort.abort()
  const options = { host: '127.0.0.1', port: ground.port, identity: ground.alice, peer: ground.publicKey }
  try {
    await using session = await connect({ ...options, signal: abort.signal, trace })
    await session.send('not aborted')
    return 'went on'
  } catch (error) {
    return ended(error)
  }
}

/** What still listens to one signal that many connections were given, those that were made and those that were not. */
async function listenersLeft(ground: Ground): Promise<number> {
  const { signal } = new AbortController()
  const options = { host: '127.0.0.1', identity: ground.alice, signal }
  for (const peer of [ground.publicKey, ground.stranger.publicKey]) {
    const handshakeWithin = peer === ground.publicKey ? 10_000 : 200
    const opening = Array.from({ length: 15 }, () => connect({ ...options, port: ground.port, peer, handshakeWithin }))
    for (const session of await Promise.allSettled(opening)) if (session.status === 'fulfilled') await session.value.close()
  }
  return getEventListeners(signal, 'abort').length
}

/** A server whose side of the stream is destroyed when the client has been sent so many bytes. */
async function destroyedAt(ground: Ground, bytes: number, how: 'end' | 'destroy' | 'reset'): Promise<string> {
  await using server = await trap((line, socket) => {
    const write = socket.write.bind(socket)
    let left = bytes
    socket.write = (chunk: Uint8Array) => {
      write(chunk.subarray(0, left))
      left -= chunk.length
      if (left > 0) return true
      if (how === 'end') socket.end()
      else if (how === 'destroy') socket.destroy()
      else socket.resetAndDestroy()
      return false
    }
    rogueServer(line, { identity: ground.identity, client: ground.alice.publicKey }).catch(() => {})
  })
  try {
    const options = { host: '127.0.0.1', port: server.port, identity: ground.alice, peer: ground.publicKey }
    await using session = await connect({ ...options, limits: { closeWithin: 200 } })
    await session.send('x')
    return 'went on'
  } catch (error) {
    return ended(error)
  }
}

/** Both sides over a pair of streams in memory that is destroyed after so many turns of the loop; before they begin, where it is -1. */
async function pairDestroyed(ground: Ground, turns: number, error: boolean): Promise<string> {
  const [left, right] = duplexPair()
  const destroy = (): void => {
    for (const stream of [left, right]) stream.on('error', () => {}).destroy(error ? new Error('the stream broke') : undefined)
  }
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  if (turns < 0) {
    destroy()
    await turn()
  }
  const client = secureClient(left, { identity: ground.alice, peer: ground.publicKey })
  const server = secureServer(right, { identity: ground.identity, peers: [ground.alice.publicKey], journal: memoryJournal() })
  const sides = [client, server].map(async (opening) => {
    const session = await opening
    void session.send('into the void').catch(() => {})
    void session.close()
    return (await session.closed).error?.code ?? 'ended'
  })
  for (let i = 0; i < turns; i++) await turn()
  destroy()
  const settled = await Promise.allSettled(sides)
  const codes = settled.map((side) => (side.status === 'fulfilled' ? side.value : ended(side.reason)))
  return codes.every((code) => /^(TRUNCATED|ended|SESSION_ENDED)$/.test(code)) ? 'ended' : codes.join(', ')
}

export const attack: Attack = {
  title: 'Streams that break and callers that abort, at every moment',
  tries:
    'an abort at each step of the client’s handshake; a server that ends, destroys or resets after each so many bytes; a pair of streams destroyed, with an error and without one, before anything and at each turn of the loop, close under way: each ends with one error of this package, no promise is left unawaited, and no handle stays.',
  plainDesignLoses: 'its process, or a handle at a time: an end before the beginning is the case that nobody tries.',
  alone: true,
  async run(ground) {
    const cases = new Cases()
    const handles = (): number => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length
    const before = handles()
    const unhandled = await unhandledWhile(async () => {
      for (let step = -1; step < 8; step++) {
        const must = step < 4 ? ['ABORTED'] : ['ABORTED', 'went on']
        cases.attempt(`abort at step ${step}`, await abortAt(ground, step), ...must)
      }
      const stride = ground.full ? 97 : 1201
      for (const how of ['end', 'destroy', 'reset'] as const) {
        for (let bytes = 1; bytes < 5268 + 1044; bytes += stride) {
          cases.attempt(`${how} after ${bytes} bytes`, await destroyedAt(ground, bytes, how), 'TRUNCATED', 'CONNECT')
        }
      }
      for (let turns = -1; turns < (ground.full ? 60 : 25); turns++) {
        for (const error of [false, true])
          cases.attempt(`destroyed after ${turns} turns`, await pairDestroyed(ground, turns, error), 'ended')
      }
      cases.attempt('listeners left at a signal that thirty connections were given', String(await listenersLeft(ground)), '0')
      // What was cut off lingers for at most two seconds.
      await pause(2_500)
    })
    cases.attempt('promises that nobody awaited', unhandled[0] ?? 'none', 'none')
    cases.attempt('handles left', handles() <= before ? 'none' : String(handles() - before), 'none')
    cases.control('without an abort it goes on', await abortAt(ground, 10_000), 'went on')
    return cases
  },
}
