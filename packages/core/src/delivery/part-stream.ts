/** The parts of incoming envelopes as one stream of bytes, cut where an envelope ends. */
import { concat, GATHERED } from '../bytes.ts'
import { PeerError } from '../errors.ts'
import { Reader } from '../wire/codec.ts'

const END = Symbol('end of an envelope')

/** As `gather` does, within one envelope. */
function add(pieces: (Uint8Array | typeof END)[], piece: Uint8Array, from = 0): void {
  const last = pieces.length > from ? pieces.at(-1)! : END
  if (last === END || last.length + piece.length > GATHERED) pieces.push(piece)
  else pieces[pieces.length - 1] = concat(last, piece)
}

function u32Of(bytes: Uint8Array): number {
  return new Reader(bytes).uint(4)
}

/** Bytes that a session pushes and a receiver pulls. */
export class PartStream {
  readonly #queue: (Uint8Array | typeof END)[] = []
  #first = 0
  #wake: (() => void) | undefined
  #ended = false
  #fault: Error | undefined
  /** Bytes pushed and not pulled yet. */
  buffered = 0
  #room: (() => void) | undefined

  /** Adds pieces of the envelope under way; `end` with its last ones. */
  push(pieces: readonly Uint8Array[], end: boolean): void {
    if (this.#ended) return
    for (const piece of pieces) {
      add(this.#queue, piece, this.#first)
      this.buffered += piece.length
    }
    if (end) this.#queue.push(END)
    this.#wake?.()
  }

  /** Nothing comes any more: whoever waits for bytes is told so. By a fault, what has come is dropped too. */
  finish(fault?: Error): void {
    this.#ended = true
    if (fault !== undefined) {
      this.#fault = fault
      this.#queue.length = this.#first = this.buffered = 0
    }
    this.#wake?.()
    this.#room?.()
  }

  /** Resolves when no more than `most` bytes wait to be pulled. */
  async room(most: number): Promise<void> {
    while (this.buffered > most && !this.#ended) {
      await new Promise<void>((resolve) => (this.#room = resolve))
      this.#room = undefined
    }
  }

  /** Resolves when something is there to be pulled, or nothing comes any more. */
  news(): Promise<void> | undefined {
    if (this.begun || this.#ended) return undefined
    return new Promise((resolve) => (this.#wake = resolve))
  }

  /** Whether a further envelope has begun. */
  get begun(): boolean {
    return this.#first < this.#queue.length
  }

  /** All that is left of this envelope, where it has come whole and in one piece; it is still to be read. */
  get entire(): Uint8Array | undefined {
    const piece = this.#queue[this.#first]
    return piece !== END && this.#queue[this.#first + 1] === END ? piece : undefined
  }

  /** Exactly `length` bytes of this envelope, in one piece; at once where they have come in one, as those of short envelopes do. */
  read(length: number): Uint8Array | Promise<Uint8Array> {
    const piece = this.#queue[this.#first]
    if (piece === undefined || piece === END || piece.length < length) return this.#joined(length)
    return this.#cut(piece, length)
  }

  async #joined(length: number): Promise<Uint8Array> {
    const pieces = await this.pieces(length)
    return pieces.length === 1 ? pieces[0]! : concat(...pieces)
  }

  /** Exactly `length` bytes of this envelope, in few pieces. */
  async pieces(length: number): Promise<Uint8Array[]> {
    const pieces: Uint8Array[] = []
    for (let left = length; left > 0;) {
      const piece = await this.some(left)
      add(pieces, piece)
      left -= piece.length
    }
    return pieces
  }

  /** The next bytes of this envelope in the pieces that they came in: `enough` of them, and `most` at the most. */
  async whole(enough: number, most: number): Promise<Uint8Array[]> {
    const pieces: Uint8Array[] = []
    for (let length = 0; length < Math.min(enough, most);) {
      const piece = await this.some(most - length)
      add(pieces, piece)
      length += piece.length
    }
    return pieces
  }

  /** An unsigned integer of four bytes, as a length prefix is. */
  u32(): number | Promise<number> {
    const bytes = this.read(4)
    return bytes instanceof Promise ? bytes.then(u32Of) : u32Of(bytes)
  }

  /** The next bytes of this envelope, at least one and at most `most`. */
  async some(most: number): Promise<Uint8Array> {
    const piece = this.#queue[this.#first] ?? (await this.#peek())
    if (piece === undefined) throw this.#fault ?? new Abandoned()
    if (piece === END) throw new PeerError('ENCODING', 'an envelope cut short')
    return this.#cut(piece, most)
  }

  /** As much of the first piece as is wanted. */
  #cut(piece: Uint8Array, most: number): Uint8Array {
    if (piece.length <= most) {
      this.#shift()
      this.#pulled(piece.length)
      return piece
    }
    this.#queue[this.#first] = piece.subarray(most)
    this.#pulled(most)
    return piece.subarray(0, most)
  }

  /** The end of this envelope, and nothing before it; at once where it has come. */
  end(): void | Promise<void> {
    if (this.#queue[this.#first] !== END) return this.#endLater()
    this.#shift()
  }

  async #endLater(): Promise<void> {
    const piece = await this.#peek()
    if (piece === undefined) throw this.#fault ?? new Abandoned()
    if (piece !== END) throw new PeerError('ENCODING', 'an envelope longer than it says')
    this.#shift()
  }

  /** Whatever is left of this envelope, dropped; more than `most` bytes are an error. */
  async skip(most: number): Promise<void> {
    for (let left = most; ;) {
      const piece = await this.#peek()
      if (piece === undefined) throw this.#fault ?? new Abandoned()
      this.#shift()
      if (piece === END) return
      this.#pulled(piece.length)
      left -= piece.length
      if (left < 0) throw new PeerError('ENCODING', 'an envelope longer than it says')
    }
  }

  async #peek(): Promise<Uint8Array | typeof END | undefined> {
    while (!this.begun && !this.#ended) await this.news()
    return this.#queue[this.#first]
  }

  #pulled(length: number): void {
    this.buffered -= length
    this.#room?.()
  }

  #shift(): void {
    this.#first += 1
    if (this.#first === this.#queue.length || this.#first > 1024) {
      this.#queue.splice(0, this.#first)
      this.#first = 0
    }
  }
}

/** The stream ended inside an envelope, which is abandoned; no fault in itself. */
export class Abandoned extends Error {}
