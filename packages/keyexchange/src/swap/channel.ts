/** A swap's bytes over a socket. */
import type { Socket } from 'node:net'
import { CliError } from '../cli/exit.ts'

/** ms */
const LINGER = 2000

export class Channel {
  readonly #socket: Socket
  readonly #onLife: () => void
  #failure: Error | undefined

  /** @param onLife is called when bytes arrive */
  constructor(socket: Socket, onLife: () => void = () => {}) {
    this.#socket = socket
    this.#onLife = onLife
    socket.on('readable', onLife)
    // Without a listener an error would end the process; readers and writers learn of it by `#failure`.
    socket.on('error', (error) => (this.#failure ??= error))
  }

  /**
   * Exactly `length` bytes.
   *
   * @throws CliError NETWORK where the stream ends before, or the signal's reason
   */
  async read(length: number, signal: AbortSignal): Promise<Uint8Array> {
    for (;;) {
      if (signal.aborted) throw reasonOf(signal)
      const bytes = this.#socket.read(length) as Buffer | null
      if (bytes?.length === length) return bytes
      if (this.#failure || this.#socket.readableEnded || this.#socket.destroyed) throw this.#cut()
      await this.#change(signal)
    }
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** Sends what was written, and ends. Reads on for a while, so that no reset destroys what was sent. */
  end(): void {
    if (this.#socket.destroyed) return
    const linger = setTimeout(() => this.#socket.destroy(), LINGER)
    this.#socket.once('close', () => clearTimeout(linger)).end()
    // A stream does not flow while anybody waits to read of it.
    this.#socket.off('readable', this.#onLife).resume()
  }

  #cut(): CliError {
    const hint = 'check the network, and run the swap again on both sides'
    return new CliError('NETWORK', 'the connection ended in the middle of the swap', hint, { cause: this.#failure })
  }

  /** More bytes, the end, or the signal. */
  #change(signal: AbortSignal): Promise<void> {
    const events = ['readable', 'end', 'close'] as const
    return new Promise((resolve) => {
      const wake = (): void => {
        for (const event of events) this.#socket.off(event, wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      for (const event of events) this.#socket.on(event, wake)
      signal.addEventListener('abort', wake)
    })
  }
}

function reasonOf({ reason }: AbortSignal): unknown {
  if (!(reason instanceof DOMException && reason.name === 'TimeoutError')) return reason
  const hint = 'run the swap again on both sides'
  return new CliError('NETWORK', 'the other side took too long; nothing was saved', hint)
}
