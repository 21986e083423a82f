/** The dialing side of a swap. */
import { connect } from 'node:net'
import { CliError } from '../cli/exit.ts'
import { Channel } from './channel.ts'
import { AGREEMENT_TIME, driveSwap, type Party } from './drive.ts'
import type { Swapped } from './step.ts'

export interface DialOptions {
  readonly host: string
  readonly port: number
  readonly code: string
  readonly party: Party
  readonly signal: AbortSignal
}

/** Dials once: a code that was tried is never tried again by itself. */
export async function dialSwap({ host, port, code, party, signal }: DialOptions): Promise<Swapped> {
  const socket = connect({ host, port, noDelay: true })
  const within = AbortSignal.any([signal, AbortSignal.timeout(AGREEMENT_TIME)])
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      socket.destroy()
      reject(unreachable(host, port, within.reason))
    }
    within.addEventListener('abort', stop)
    socket.once('connect', () => {
      within.removeEventListener('abort', stop)
      resolve()
    })
    socket.once('error', (error) => reject(unreachable(host, port, error)))
  })
  return driveSwap({ role: 'dialer', code, party, channel: new Channel(socket), spend: () => true, signal })
}

function unreachable(host: string, port: number, cause: unknown): CliError {
  const why = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.name) : 'no answer'
  const hint = 'check the address, and that the other side runs `keys swap --listen`; the code was not used'
  return new CliError('NETWORK', `no connection to ${host} port ${port} (${why}); nothing was sent`, hint, { cause })
}
