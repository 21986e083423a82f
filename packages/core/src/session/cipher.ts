/** One direction of a session: its traffic secret, and what the key of the moment has protected (protocol section 7). */
import { concat, copy, lengthOf, put, wipe } from '../bytes.ts'
import { type AeadKey, aeadKey, Opener, sealPieces, TAG_LENGTH, wipeKey } from '../crypto/aead.ts'
import { label } from '../crypto/hash.ts'
import { LocalError, PeerError } from '../errors.ts'
import { bodyLength, frameHeader, HEADER_LENGTH, writeFrameHeader } from '../wire/frames.ts'

const nothing = new Uint8Array(0)

/** Sequence numbers end before 2^53: each is counted exactly, and none comes twice under a key. */
const SEQ_END: number = Number.MAX_SAFE_INTEGER

/** A traffic secret and its key; `update` replaces both and counts from 0 again. */
class TrafficKey {
  #secret: Uint8Array
  aead: AeadKey
  /** The sequence number of the next record, and so the number of records under this key. */
  seq = 0
  /** Bytes of plaintext under this key. */
  bytes = 0

  constructor(secret: Uint8Array) {
    this.#secret = copy(secret)
    wipe(secret)
    this.aead = aeadKey(this.#secret)
  }

  /** Goes on with the next key of this direction, and forgets this one. */
  update(): void {
    const next = label(this.#secret, 'traffic update', nothing, 32)
    this.erase()
    this.#secret = next
    this.aead = aeadKey(next)
    this.seq = 0
    this.bytes = 0
  }

  /** Forgets the key. */
  erase(): void {
    wipe(this.#secret)
    wipeKey(this.aead)
  }
}

/** A record with a plaintext up to this length is made in one piece: to seal and to write each piece by itself costs more. */
const SHORT = 4096

/** Seals records. */
export class Sealer extends TrafficKey {
  /** One record: header, sealed pieces and tag, to be written one behind the other. */
  record(kind: number, payload: readonly Uint8Array[]): Uint8Array[] {
    if (this.seq >= SEQ_END) throw new LocalError('SESSION_ENDED', 'no sequence number is left')
    const length = 1 + lengthOf(payload)
    const pieces = length <= SHORT ? [this.#short(kind, payload, length)] : this.#long(kind, payload, length)
    this.seq += 1
    this.bytes += length
    return pieces
  }

  /** Takes its memory of Node's pool, which serves many: nobody keeps what is written. */
  #short(kind: number, payload: readonly Uint8Array[], length: number): Uint8Array {
    const record = Buffer.allocUnsafe(HEADER_LENGTH + length + TAG_LENGTH)
    writeFrameHeader(record, 'RECORD', length + TAG_LENGTH)
    record[HEADER_LENGTH] = kind
    put(record, HEADER_LENGTH + 1, payload)
    const plaintext = record.subarray(HEADER_LENGTH, HEADER_LENGTH + length)
    return put(record, HEADER_LENGTH, sealPieces(this.aead, this.seq, record.subarray(0, HEADER_LENGTH), [plaintext]))
  }

  #long(kind: number, payload: readonly Uint8Array[], length: number): Uint8Array[] {
    const header = frameHeader('RECORD', length + TAG_LENGTH)
    const [first, ...sealed] = sealPieces(this.aead, this.seq, header, [Uint8Array.of(kind), ...payload])
    return [concat(header, first!), ...sealed]
  }
}

/** One record that has opened. */
export interface OpenedRecord {
  readonly kind: number
  /** The payload in pieces, none of them empty. */
  readonly payload: readonly Uint8Array[]
  /** The payload's length in bytes. */
  readonly length: number
}

/** Opens records out of a stream of bytes that may be cut anywhere. */
export class RecordOpener extends TrafficKey {
  /** Header and tag of the record under way: between records there is none. */
  #edges: Uint8Array | undefined
  #filled = 0
  /** Bytes of ciphertext of the record under way, and how many of them have come. */
  #length = 0
  #opener: Opener | undefined

  /**
   * Takes the start of `chunk`, up to the end of one record at the most.
   *
   * @returns how many bytes were taken, and the record where one is whole
   * @throws PeerError FRAME, NOT_AUTHENTIC, LIMIT
   */
  take(chunk: Uint8Array): { readonly taken: number; readonly record?: OpenedRecord } {
    const whole = this.#edges === undefined ? this.#whole(chunk) : undefined
    if (whole !== undefined) return whole
    let taken = 0
    const edges = (this.#edges ??= new Uint8Array(HEADER_LENGTH + TAG_LENGTH))
    const header = edges.subarray(0, HEADER_LENGTH)
    if (this.#opener === undefined) {
      taken = this.#fill(header, chunk)
      if (this.#filled < HEADER_LENGTH) return { taken }
      this.#opener = this.#begin(header)
      this.#filled = 0
    }
    if (this.#filled < this.#length) {
      const piece = chunk.subarray(taken, taken + this.#length - this.#filled)
      if (piece.length > 0) this.#opener.update(piece)
      this.#filled += piece.length
      taken += piece.length
      if (this.#filled < this.#length) return { taken }
    }
    const tag = edges.subarray(HEADER_LENGTH)
    taken += this.#fill(tag, chunk.subarray(taken), this.#length)
    if (this.#filled < this.#length + TAG_LENGTH) return { taken }
    const record = this.#finish(this.#opener, tag)
    this.#opener = undefined
    this.#edges = undefined
    this.#filled = 0
    return { taken, record }
  }

  /** A record that has come in one piece, as most do. */
  #whole(chunk: Uint8Array): { readonly taken: number; readonly record: OpenedRecord } | undefined {
    if (chunk.length < HEADER_LENGTH) return undefined
    const header = chunk.subarray(0, HEADER_LENGTH)
    const tagAt = HEADER_LENGTH + bodyLength('RECORD', header) - TAG_LENGTH
    const taken = tagAt + TAG_LENGTH
    if (chunk.length < taken) return undefined
    const opener = this.#begin(header)
    opener.update(chunk.subarray(HEADER_LENGTH, tagAt))
    return { taken, record: this.#finish(opener, chunk.subarray(tagAt, taken)) }
  }

  #begin(header: Uint8Array): Opener {
    this.#length = bodyLength('RECORD', header) - TAG_LENGTH
    if (this.seq >= SEQ_END) throw new PeerError('LIMIT', 'no sequence number is left')
    return new Opener(this.aead, this.seq, header)
  }

  #fill(target: Uint8Array, chunk: Uint8Array, from = 0): number {
    const piece = chunk.subarray(0, target.length - (this.#filled - from))
    target.set(piece, this.#filled - from)
    this.#filled += piece.length
    return piece.length
  }

  #finish(opener: Opener, tag: Uint8Array): OpenedRecord {
    const pieces = opener.finish(tag)
    if (pieces === undefined) throw new PeerError('NOT_AUTHENTIC', 'a record does not open')
    this.seq += 1
    this.bytes += this.#length
    const kind = pieces[0]![0]!
    const rest = pieces[0]!.subarray(1)
    return { kind, payload: rest.length > 0 ? [rest, ...pieces.slice(1)] : pieces.slice(1), length: this.#length - 1 }
  }
}
