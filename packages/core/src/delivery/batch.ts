/** Messages that are sent at one moment, on their way into one envelope. */
import { view } from '../bytes.ts'
import { LEAF_LENGTH, LEAST_ITEM, MAX_COUNT, SALT_AT, writeItemHead } from '../wire/envelope.ts'
import { sha256Text, writeSalt } from '../crypto/hash.ts'
import type { OutgoingItem, OutgoingItems } from './compose.ts'

/** Items of an envelope of several messages are this long together at the most, so that receipts keep coming. */
export const BATCH_LENGTH: number = 1024 * 1024

const FIRST_ROOM = 2048

/** Whole items one behind the other: they cost their bytes and hardly an object each. */
export class Batch implements OutgoingItems {
  readonly lengths: number[] = []
  #bytes: Buffer = Buffer.allocUnsafe(FIRST_ROOM)
  #length = 0
  /** The hashes, a character a byte: joined as a string they cost least. */
  #leaves = ''

  /** How long the item of such a body is. */
  static itemLength(body: string | Uint8Array, attributes: Uint8Array): number {
    return LEAST_ITEM + attributes.length + (typeof body === 'string' ? Buffer.byteLength(body) : body.length)
  }

  /** Whether an item of this length may come in addition. */
  takes(length: number): boolean {
    const count = this.lengths.length
    return count === 0 || (count < MAX_COUNT && this.#length + length <= BATCH_LENGTH)
  }

  /** Makes the item of a message, with a fresh salt; `length` is its `itemLength`. */
  add(body: string | Uint8Array, attributes: Uint8Array, length: number): void {
    const at = this.#length
    const end = at + length
    if (end > this.#bytes.length) this.#grow(end)
    const bytes = this.#bytes
    writeItemHead(bytes, at, attributes)
    writeSalt(bytes, at + SALT_AT)
    const bodyAt = at + LEAST_ITEM + attributes.length
    if (typeof body === 'string') bytes.write(body, bodyAt)
    else bytes.set(body, bodyAt)
    this.#leaves += sha256Text(bytes.subarray(at, end))
    this.#length = end
    this.lengths.push(length)
  }

  /** Whether all of another batch may come in addition. */
  takesAll({ lengths, bytes }: Batch): boolean {
    return this.takes(bytes.length) && this.lengths.length + lengths.length <= MAX_COUNT
  }

  /** Adds items that are made already, with their hashes. */
  append({ lengths, leaves, bytes }: Pick<Batch, 'lengths' | 'leaves' | 'bytes'>): void {
    const end = this.#length + bytes.length
    if (end > this.#bytes.length) this.#grow(end)
    this.#bytes.set(bytes, this.#length)
    this.#leaves += view(leaves).toString('latin1')
    this.#length = end
    for (const length of lengths) this.lengths.push(length)
  }

  #grow(least: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(least, 2 * this.#bytes.length))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }

  /** The items' bytes, until another is added. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  get leaves(): Uint8Array {
    return Buffer.from(this.#leaves, 'latin1')
  }

  /** One of the items by itself. */
  item(i: number): OutgoingItem {
    let at = 0
    for (let before = 0; before < i; before++) at += this.lengths[before]!
    const length = this.lengths[i]!
    const leaf = this.leaves.subarray(LEAF_LENGTH * i, LEAF_LENGTH * (i + 1))
    return { leaf, length, bytes: this.#bytes.subarray(at, at + length) }
  }

  async *read(offset: number): AsyncGenerator<Uint8Array> {
    yield this.bytes.subarray(offset)
  }
}
