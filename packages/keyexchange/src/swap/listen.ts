/** The listening side of a swap: it makes the codes and meets whoever dials, until one swap is done. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { CliError } from '../cli/exit.ts'
import { Channel } from './channel.ts'
import { CODE_LIFETIME, freshCode } from './code.ts'
import { driveSwap, type Party } from './drive.ts'
import type { Swapped } from './step.ts'

/** Connections that have not shown yet whether they know the code */
const MAX_PENDING = 20
/** Wrong codes after which somebody is guessing rather than mistyping */
const MAX_WRONG_CODES = 10

/** What became of a code: somebody tried a wrong one, its time was over, or the connection that had it right was cut */
export type Spent = 'wrong' | 'expired' | 'cut'

export interface ListenOptions {
  /** All addresses of this machine, where not said */
  readonly host?: string
  readonly port: number
  readonly party: Party
  /** A code is to be shown to the person; once at the start, and whenever the one before is spent. */
  onCode(code: string, address: AddressInfo, spent: Spent | undefined): void
  readonly signal: AbortSignal
}

/**
 * Listens until one swap is done.
 *
 * @throws what `swap` throws once the code was right; CODE_MISMATCH after too many wrong codes; the system's error where
 *   it cannot listen
 */
export async function listenSwap(options: ListenOptions): Promise<Swapped> {
  using listener = new Listener(options)
  return await listener.run()
}

/** One listening socket, one living code, and the connections that may still try it. */
class Listener {
  readonly #options: ListenOptions
  readonly #server: Server = createServer({ noDelay: true }, (socket) => this.#accept(socket))
  /** Each with the time of its last sign of life */
  readonly #pending: Map<Socket, number> = new Map()
  readonly #outcome: PromiseWithResolvers<Swapped> = Promise.withResolvers()
  /** undefined while it is spent: one connection alone goes on */
  #code: string | undefined
  #expiry: NodeJS.Timeout | undefined
  #wrongCodes = 0

  constructor(options: ListenOptions) {
    this.#options = options
  }

  run(): Promise<Swapped> {
    const { host, port, signal } = this.#options
    this.#server.once('error', this.#outcome.reject)
    this.#server.listen({ port, ...(host !== undefined && { host }) }, () => this.#renew(undefined))
    signal.addEventListener('abort', () => this.#outcome.reject(signal.reason))
    return this.#outcome.promise
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#expiry)
    this.#server.close()
    this.#dropPending()
  }

  #renew(spent: Spent | undefined): void {
    this.#dropPending()
    this.#code = freshCode()
    clearTimeout(this.#expiry)
    this.#expiry = setTimeout(() => this.#renew('expired'), CODE_LIFETIME)
    this.#options.onCode(this.#code, this.#server.address() as AddressInfo, spent)
  }

  #dropPending(except?: Socket): void {
    for (const socket of this.#pending.keys()) if (socket !== except) socket.destroy()
    this.#pending.clear()
  }

  #accept(socket: Socket): void {
    const code = this.#code
    if (code === undefined) {
      socket.destroy()
      return
    }
    if (this.#pending.size >= MAX_PENDING) this.#dropOldestIdle()
    this.#pending.set(socket, performance.now())
    const channel = new Channel(socket, () => this.#pending.has(socket) && this.#pending.set(socket, performance.now()))
    const { party, signal } = this.#options
    let tried = false
    const spend = (): boolean => {
      if (this.#code !== code) return false
      tried = true
      this.#code = undefined
      clearTimeout(this.#expiry)
      this.#dropPending(socket)
      return true
    }
    driveSwap({ role: 'listener', code, party, channel, spend, signal }).then(this.#outcome.resolve, (error: unknown) => {
      this.#pending.delete(socket)
      // Who never tried the code has nothing to do with this swap.
      if (tried) this.#failed(error)
    })
  }

  #dropOldestIdle(): void {
    const [oldest] = [...this.#pending].toSorted(([, a], [, b]) => a - b)[0]!
    oldest.destroy()
    this.#pending.delete(oldest)
  }

  #failed(error: unknown): void {
    const code = error instanceof CliError ? error.code : undefined
    if (code === 'NETWORK') this.#renew('cut')
    else if (code !== 'CODE_MISMATCH') this.#outcome.reject(error)
    else if (++this.#wrongCodes < MAX_WRONG_CODES) this.#renew('wrong')
    else this.#outcome.reject(tooManyWrongCodes())
  }
}

function tooManyWrongCodes(): CliError {
  const hint = 'somebody is guessing: find out who reaches this port, and listen on another one'
  return new CliError('CODE_MISMATCH', `${MAX_WRONG_CODES} wrong codes were tried; nothing was saved`, hint)
}
