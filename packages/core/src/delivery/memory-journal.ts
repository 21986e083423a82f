/** A journal in memory: its receipts say "received", not "stored". */
import { copy, gather, hex, lengthOf, ownsBuffer, put, WORTH_RELEASING } from '../bytes.ts'
import { random } from '../crypto/hash.ts'
import { LocalError } from '../errors.ts'
import { OUTCOME } from '../wire/receipt.ts'
import type { SignedStatement } from '../wire/records.ts'
import { type BlobLike, EMPTY_HEAD, type Entry, type Head, type Journal, type Place, placeName, type Spool } from './journal.ts'

/** How much a journal in memory keeps. */
export interface MemoryJournalOptions {
  /** How many receipts of each place are kept, to be given again, at least 1; 16,384 where it is not said. */
  readonly keep?: number
}

interface Kept {
  head: Head
  /** By the digests of what they are for; made with the first. */
  receipts: Map<string, SignedStatement> | undefined
  /** Those digests, the oldest at `given` modulo their number once as many are kept as may be: to ask the Map costs more each time. */
  readonly digests: string[]
  given: number
  partial: { readonly digest: Uint8Array; readonly spool: MemorySpool } | undefined
}

/** Makes an empty journal, which is gone with the process. */
export function memoryJournal({ keep = 16_384 }: MemoryJournalOptions = {}): Journal {
  const places = new Map<string, Kept>()
  /** The same by the objects that sessions have of them, whose names cost more than the rest of a short envelope. */
  const known = new WeakMap<Place, Kept>()

  function kept(place: Place): Kept {
    const found = known.get(place) ?? open(place)
    known.set(place, found)
    return found
  }

  function open(place: Place): Kept {
    const name = placeName(place)
    let found = places.get(name)
    if (found === undefined) {
      found = { head: EMPTY_HEAD, receipts: undefined, digests: [], given: 0, partial: undefined }
      places.set(name, found)
    }
    return found
  }

  return {
    id: random(16),
    durable: false,

    head(place) {
      const { head, partial } = kept(place)
      const { next } = head.position
      const position = partial && { next, offset: partial.spool.offset, digest: partial.digest }
      return Promise.resolve(position && position.offset > 0 ? { ...head, position } : head)
    },

    find(place, digest) {
      const { receipts, given } = kept(place)
      const receipt = receipts?.get(hex(digest))
      if (receipt === undefined && given > keep) {
        return Promise.reject(new LocalError('STORAGE', 'the receipt is older than this memory reaches'))
      }
      return Promise.resolve(receipt)
    },

    append({ place, receipt, receiptStatement, next }: Entry) {
      const found = kept(place)
      const { index, chain, digest, outcome } = receiptStatement
      if (index !== found.head.index + 1) return Promise.reject(new LocalError('PLACE_MOVED'))
      const conflicts = found.head.conflicts + (outcome === OUTCOME.conflict ? 1 : 0)
      found.head = { position: { ...EMPTY_HEAD.position, next }, index, chain, conflicts }
      if (outcome !== OUTCOME.conflict) found.partial = undefined
      const receipts = (found.receipts ??= new Map<string, SignedStatement>())
      const name = hex(digest)
      const at = found.given % keep
      if (found.given >= keep) receipts.delete(found.digests[at]!)
      found.digests[at] = name
      found.given += 1
      receipts.set(name, receipt)
      return Promise.resolve()
    },

    spool(place, digest, length) {
      const found = kept(place)
      const { partial } = found
      const same = partial !== undefined && hex(partial.digest) === hex(digest)
      const forget = (gone: MemorySpool): void => {
        if (found.partial?.spool === gone) found.partial = undefined
      }
      const spool = same ? partial.spool.handOver() : new MemorySpool(length, forget)
      found.partial = { digest, spool }
      return Promise.resolve(spool)
    },

    dropPartial(place) {
      kept(place).partial = undefined
      return Promise.resolve()
    },
  }
}

class MemorySpool implements Spool {
  readonly length: number
  readonly #forget: (gone: MemorySpool) => void
  #pieces: Uint8Array[] = []
  /** Another one goes on with what this one holds. */
  #over = false
  offset = 0

  constructor(length: number, forget: (gone: MemorySpool) => void) {
    this.length = length
    this.#forget = forget
  }

  /** A spool that goes on with what has come: of two who write what follows, only the one that asked last is heard. */
  handOver(): MemorySpool {
    const next = new MemorySpool(this.length, this.#forget)
    next.#pieces = this.#pieces
    next.offset = this.offset
    this.#pieces = []
    this.#over = true
    return next
  }

  read(): AsyncIterable<Uint8Array> {
    return new Pieces(this.#pieces).stream()
  }

  write(pieces: readonly Uint8Array[]): Promise<void> {
    if (this.#over) return Promise.reject(new LocalError('PLACE_MOVED'))
    for (const piece of pieces) {
      // A short view would keep alive what it was cut from.
      if (piece.length >= WORTH_RELEASING && ownsBuffer(piece)) this.#pieces.push(piece)
      else gather(this.#pieces, copy(piece))
      this.offset += piece.length
    }
    return Promise.resolve()
  }

  suspend(): Promise<void> {
    return Promise.resolve()
  }

  discard(): Promise<void> {
    if (this.#over) return Promise.resolve()
    this.#pieces = []
    this.offset = 0
    this.#forget(this)
    return Promise.resolve()
  }

  blob(): Promise<BlobLike> {
    return this.#over ? Promise.reject(new LocalError('PLACE_MOVED')) : Promise.resolve(new Pieces(this.#pieces))
  }
}

/** What a Blob would copy, and hold where the collector does not see it: of long bodies it would let gigabytes lie. */
class Pieces implements BlobLike {
  readonly size: number
  readonly #pieces: readonly Uint8Array[]

  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces
    this.size = lengthOf(pieces)
  }

  slice(start: number): BlobLike {
    let skip = start
    const rest: Uint8Array[] = []
    for (const piece of this.#pieces) {
      if (skip < piece.length) rest.push(piece.subarray(skip))
      skip = Math.max(0, skip - piece.length)
    }
    return new Pieces(rest)
  }

  async bytes(): Promise<Uint8Array> {
    return put(new Uint8Array(this.size), 0, this.#pieces)
  }

  async *stream(): AsyncGenerator<Uint8Array> {
    yield* this.#pieces
  }
}
