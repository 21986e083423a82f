/** What incoming envelopes may hold in memory, of all sessions together, and who makes room. */
import { concat } from '../bytes.ts'
import { LocalError } from '../errors.ts'
import type { PartStream } from './part-stream.ts'

/** Bytes that all sessions together hold, where it is not said. */
const MOST_HELD: number = 256 * 1024 * 1024

/** Bytes that are counted at a time. */
const PIECE: number = 256 * 1024

/**
 * Bytes of envelopes that are on their way in, or whole and not answered yet.
 *
 * Past the most, whoever goes on receiving waits until answered envelopes give back what they held. Where there are none,
 * nobody would ever go on: then the session that holds most of an envelope that is not whole is ended, and its peer sends
 * again later. Those who send little are not touched by those who begin much and finish nothing.
 */
export class Memory {
  readonly #most: number
  readonly #shares = new Set<Share>()
  #held = 0
  #waiting: (() => void)[] = []

  /** @param most bytes; an envelope of several messages has up to 16 MiB, and so has room alone */
  constructor(most: number = MOST_HELD) {
    this.#most = most
  }

  /** A session's part of it. @param parts what comes in that session: finished, with an error, where it has to make room */
  share(parts: PartStream): Share {
    const share = new Share(this, parts)
    this.#shares.add(share)
    return share
  }

  /** @internal So many bytes more, or less, are held. */
  count(bytes: number): void {
    this.#held += bytes
    if (bytes < 0) for (const wake of this.#waiting.splice(0)) wake()
  }

  /** @internal Resolves when this share may hold more, or has had to leave. */
  async room(share: Share): Promise<void> {
    while (this.#held > this.#most && !share.ended) {
      if ([...this.#shares].every(({ unanswered }) => unanswered === 0)) this.#endLargest()
      else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** @internal */
  left(share: Share): void {
    this.#shares.delete(share)
  }

  #endLargest(): void {
    let largest: Share | undefined
    for (const share of this.#shares) if (share.unfinished > (largest?.unfinished ?? -1)) largest = share
    largest!.end(new LocalError('STORAGE', 'too much is received at once to be held in memory'))
  }
}

/** What one session holds. */
export class Share {
  readonly #memory: Memory
  readonly #parts: PartStream
  /** Bytes of the envelope that is on its way in. */
  unfinished = 0
  /** Bytes of those that are whole and wait for their answer. */
  unanswered = 0
  ended = false

  /** For `Memory` alone. */
  constructor(memory: Memory, parts: PartStream) {
    this.#memory = memory
    this.#parts = parts
  }

  /** Exactly `length` bytes in one piece, each counted when it has come: whoever only announces them holds nothing. */
  async read(length: number): Promise<Uint8Array> {
    const all: Uint8Array[] = []
    while (this.unfinished < length) {
      const pieces = await this.#parts.pieces(Math.min(PIECE, length - this.unfinished))
      for (const piece of pieces) {
        all.push(piece)
        this.unfinished += piece.length
        this.#memory.count(piece.length)
      }
      await this.#memory.room(this)
    }
    return concat(...all)
  }

  /** The envelope is whole; what it held is given back once it is answered, or can no longer be. */
  whole(answered: Promise<unknown>): void {
    const bytes = this.unfinished
    this.unfinished = 0
    this.unanswered += bytes
    const giveBack = (): void => {
      this.unanswered -= bytes
      this.#memory.count(-bytes)
    }
    answered.then(giveBack, giveBack)
  }

  /** Nothing more comes: what has come of an envelope is dropped. */
  leave(): void {
    this.ended = true
    this.#memory.left(this)
    const bytes = this.unfinished
    this.unfinished = 0
    this.#memory.count(-bytes)
  }

  /** Ends the session, to make room. */
  end(error: LocalError): void {
    this.leave()
    this.#parts.finish(error)
  }
}
