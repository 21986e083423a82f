/** A byte stream of Node's: exact reads for the handshake, chunks for the session, writes in one go. */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { concat, gather, release, WORTH_RELEASING } from '../bytes.ts'
import { NetworkError } from '../errors.ts'

/** How long a side that has ended reads and drops, so that no reset destroys what it sent (protocol section 2). */
const LINGER_MS = 2_000

/** Bytes that a peer may send ahead of the handshake's steps before it is read no further. */
const MOST_AHEAD = 64 * 1024

/** Who is told of what comes. */
export interface WireListener {
  chunk(chunk: Uint8Array): void
  /** Once; by an error, or by itself. */
  end(error: Error | undefined): void
  /** The stream takes more again. */
  drain(): void
}

export class Wire {
  readonly #stream: Duplex
  /** Whether nobody else holds what is read and written, as with a socket: another stream may hand its pieces on. */
  readonly #owns: boolean
  #chunks: Uint8Array[] = []
  #available = 0
  #ended = false
  #error: Error | undefined
  #wake: (() => void) | undefined
  #listener: WireListener | undefined
  #dropping = false

  constructor(stream: Duplex) {
    this.#stream = stream
    this.#owns = stream instanceof Socket
    stream.on('data', (chunk: Uint8Array) => this.#data(chunk))
    const over = (): void => this.#end(undefined)
    stream.on('end', over).on('close', over)
    stream.on('error', (error) => this.#end(error))
    // What was over before does not say so again.
    if (stream.readableEnded || stream.destroyed) this.#end(stream.errored ?? undefined)
  }

  #data(chunk: Uint8Array): void {
    if (this.#dropping) return
    if (this.#listener !== undefined) {
      this.#listener.chunk(chunk)
      if (this.#owns) release(chunk)
      return
    }
    gather(this.#chunks, chunk)
    this.#available += chunk.length
    if (this.#available > MOST_AHEAD) this.#stream.pause()
    this.#wake?.()
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#wake?.()
    this.#listener?.end(error)
  }

  /**
   * Exactly `length` bytes.
   *
   * @throws NetworkError TRUNCATED where the stream ends before
   */
  async read(length: number): Promise<Uint8Array> {
    while (this.#available < length) {
      if (this.#ended) throw new NetworkError('TRUNCATED', undefined, { cause: this.#error })
      this.#stream.resume()
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    this.#wake = undefined
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : concat(...this.#chunks)
    this.#chunks = [all.subarray(length)]
    this.#available -= length
    return all.subarray(0, length)
  }

  /** Hands every chunk on from now, those first that have come already; and the end, once. */
  listen(listener: WireListener): void {
    const before = this.#chunks
    this.#chunks = []
    this.#listener = listener
    for (const chunk of before) listener.chunk(chunk)
    this.#stream.resume()
    if (this.#ended) listener.end(this.#error)
  }

  /** Resolves when the stream is gone. */
  gone(): Promise<void> {
    if (this.#stream.closed) return Promise.resolve()
    return new Promise((resolve) => this.#stream.once('close', resolve))
  }

  /** Writes pieces as one; false where the stream wants no more for now. */
  write(pieces: readonly Uint8Array[]): boolean {
    const stream = this.#stream
    if (stream.destroyed || stream.writableEnded) return true
    const several = pieces.length > 1
    if (several) stream.cork()
    for (const piece of pieces) {
      if (this.#owns && piece.length >= WORTH_RELEASING) stream.write(piece, () => release(piece))
      else stream.write(piece)
    }
    if (several) stream.uncork()
    if (!stream.writableNeedDrain) return true
    stream.once('drain', () => this.#listener?.drain())
    return false
  }

  get blocked(): boolean {
    return this.#stream.writableNeedDrain && !this.#stream.destroyed
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  /** Reads on and keeps nothing. */
  drop(): void {
    this.#dropping = true
    this.#chunks = []
    this.#stream.resume()
  }

  /** Sends FIN behind what was written, reads and drops until the peer's FIN or 2 s are over, then lets go. */
  end(): void {
    this.drop()
    const stream = this.#stream
    if (stream.destroyed || stream.writableEnded) return
    stream.end()
    const timer = setTimeout(() => stream.destroy(), LINGER_MS)
    stream.once('close', () => clearTimeout(timer))
  }

  destroy(): void {
    this.#stream.destroy()
  }
}
