/** A long item on its way in. */
import { concat } from '../bytes.ts'
import { sha256Stream } from '../crypto/hash.ts'
import { type ItemParts, readItemHead } from '../wire/envelope.ts'

/** The hash and the head of an item that is too long to be held. */
export class LongItem {
  readonly #length: number
  readonly #hasher = sha256Stream()
  #start: Uint8Array = new Uint8Array(0)
  #head: ItemParts | 'more' | undefined = 'more'
  #fresh = false
  received = 0

  constructor(length: number) {
    this.#length = length
  }

  add(piece: Uint8Array): void {
    this.#hasher.update(piece)
    this.received += piece.length
    if (this.#head !== 'more') return
    this.#start = concat(this.#start, piece)
    this.#head = readItemHead(this.#start, this.#length)
    if (this.#head === 'more') return
    this.#fresh = true
    this.#start = new Uint8Array(0)
  }

  /** Whether the head has been read: its form is right where `head` is there. */
  get formKnown(): boolean {
    return this.#head !== 'more'
  }

  get head(): ItemParts | undefined {
    return this.#head === 'more' ? undefined : this.#head
  }

  /** True once, when the head has just been read and is right. */
  takeHead(): boolean {
    const fresh = this.#fresh && this.head !== undefined
    this.#fresh = false
    return fresh
  }

  leaf(): Uint8Array {
    return this.#hasher.digest()
  }
}
