/** A whole swap between two homes of one machine, over a real socket. */
import type { AddressInfo } from 'node:net'
import { dialSwap } from './dial.ts'
import type { Party } from './drive.ts'
import { listenSwap } from './listen.ts'

const HOST = '127.0.0.1'

export async function swapOverLoopback(listener: Party, dialer: Party, interrupted: AbortSignal): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([interrupted, stop.signal])
  const dialed = Promise.withResolvers<unknown>()
  const onCode = (code: string, { port }: AddressInfo): void => {
    dialed.resolve(dialSwap({ host: HOST, port, code, party: dialer, signal }))
  }
  try {
    await Promise.all([listenSwap({ host: HOST, port: 0, party: listener, onCode, signal }), dialed.promise])
  } finally {
    stop.abort()
  }
}
