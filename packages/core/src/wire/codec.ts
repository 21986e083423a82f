/**
 * Layouts: each one declared once, which gives its size, its encoder and its decoder (protocol section 1).
 *
 * Every decoder consumes exactly what its layout says or throws PeerError ENCODING.
 */
import { concat } from '../bytes.ts'
import { PeerError } from '../errors.ts'

/** How values of one type stand in bytes. */
export interface Codec<T> {
  /** Bytes that this value takes. */
  size(value: T): number
  /** Writes the value at `at` and answers the position behind it. */
  write(value: T, target: Uint8Array, at: number): number
  /**
   * Reads a value, and leaves the reader behind it.
   *
   * @throws PeerError ENCODING
   */
  read(reader: Reader): T
}

/** A position in bytes that came from a peer. */
export class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** How many bytes are not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  /**
   * The next so many bytes: a view.
   *
   * @throws PeerError ENCODING where there are fewer
   */
  take(length: number): Uint8Array {
    if (length > this.left) throw new PeerError('ENCODING', 'cut short')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** An unsigned big-endian integer of at most 6 bytes. */
  uint(length: number): number {
    if (length > this.left) throw new PeerError('ENCODING', 'cut short')
    let value = 0
    for (const end = this.#at + length; this.#at < end; this.#at++) value = value * 256 + this.#bytes[this.#at]!
    return value
  }

  /**
   * All must have been read.
   *
   * @throws PeerError ENCODING
   */
  end(): void {
    if (this.left > 0) throw new PeerError('ENCODING', 'bytes left over')
  }
}

/** The bytes of a value. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const target = new Uint8Array(codec.size(value))
  codec.write(value, target, 0)
  return target
}

/**
 * The value of exactly these bytes.
 *
 * @throws PeerError ENCODING
 */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes)
  const value = codec.read(reader)
  reader.end()
  return value
}

/** Message numbers, lengths and times stay within what a double holds exactly. */
export const MAX_U64: number = 2 ** 53

/** The length prefix of `LP(x)`. */
export function u32Bytes(value: number): Uint8Array {
  return encode(u32, value)
}

/** `LP(x)` = u32 length || x, of each part in turn. */
export function lengthPrefixed(...parts: readonly Uint8Array[]): Uint8Array {
  return concat(...parts.flatMap((part) => [u32Bytes(part.length), part]))
}

/** An unsigned big-endian integer of at most 4 bytes. */
function uint(length: number): Codec<number> {
  return {
    size: () => length,
    write(value, target, at) {
      for (let i = at + length - 1, rest = value; i >= at; i--, rest >>>= 8) target[i] = rest
      return at + length
    },
    read: (reader) => reader.uint(length),
  }
}

/** An unsigned integer of one byte. */
export const u8: Codec<number> = uint(1)
/** An unsigned big-endian integer of two bytes. */
export const u16: Codec<number> = uint(2)
/** An unsigned big-endian integer of three bytes. */
export const u24: Codec<number> = uint(3)
/** An unsigned big-endian integer of four bytes. */
export const u32: Codec<number> = uint(4)

function readU64(reader: Reader, past: (high: number, low: number) => number): number {
  const high = reader.uint(4)
  const low = reader.uint(4)
  const value = high * 2 ** 32 + low
  return value > MAX_U64 || (value === MAX_U64 && low !== 0) ? past(high, low) : value
}

function tooLarge(): never {
  throw new PeerError('ENCODING', 'a number above 2^53')
}

/** A u64 of at most 2^53. */
export const u64: Codec<number> = {
  size: () => 8,
  write: (value, target, at) => u32.write(value, target, u32.write(Math.floor(value / 2 ** 32), target, at)),
  read: (reader) => readU64(reader, tooLarge),
}

/** A u64 that only bounds something: above 2^53 it says as much as 2^53. */
export const u64Bound: Codec<number> = { ...u64, read: (reader) => readU64(reader, () => MAX_U64) }

/** The u64 2^64 - 1, which marks a withdrawn envelope where an offset would stand. */
export const WITHDRAWN_MARK = 'withdrawn'

/** An offset in bytes, or the mark. */
export const u64OrMark: Codec<number | typeof WITHDRAWN_MARK> = {
  size: () => 8,
  write(value, target, at) {
    if (value !== WITHDRAWN_MARK) return u64.write(value, target, at)
    target.fill(0xff, at, at + 8)
    return at + 8
  },
  read(reader) {
    const mark = (high: number, low: number): number => {
      return high === 0xffff_ffff && low === 0xffff_ffff ? -1 : tooLarge()
    }
    const value = readU64(reader, mark)
    return value === -1 ? WITHDRAWN_MARK : value
  },
}

/** Exactly `length` bytes. */
export function bytes(length: number): Codec<Uint8Array> {
  return {
    size: () => length,
    write(value, target, at) {
      target.set(value, at)
      return at + length
    },
    read: (reader) => reader.take(length),
  }
}

function prefixed(prefix: Codec<number>): Codec<Uint8Array> {
  return {
    size: (value) => prefix.size(0) + value.length,
    write(value, target, at) {
      const behind = prefix.write(value.length, target, at)
      target.set(value, behind)
      return behind + value.length
    },
    read: (reader) => reader.take(prefix.read(reader)),
  }
}

/** `LP8`, `LP16` and `LP`: a length and that many bytes. */
export const lp8: Codec<Uint8Array> = prefixed(u8)
/** `LP16`: a length of two bytes, and that many bytes. */
export const lp16: Codec<Uint8Array> = prefixed(u16)
/** `LP`: a length of four bytes, and that many bytes. */
export const lp: Codec<Uint8Array> = prefixed(u32)

/** Fields one behind the other, in the order in which they are declared. */
export function struct<T extends object>(fields: { readonly [K in keyof T]: Codec<T[K]> }): Codec<T> {
  const names = Object.keys(fields) as (keyof T)[]
  const codecs = Object.values<Codec<unknown>>(fields)
  return {
    size(value) {
      let size = 0
      for (let i = 0; i < names.length; i++) size += codecs[i]!.size(value[names[i]!])
      return size
    },
    write(value, target, at) {
      let behind = at
      for (let i = 0; i < names.length; i++) behind = codecs[i]!.write(value[names[i]!], target, behind)
      return behind
    },
    read(reader) {
      const value: Partial<Record<keyof T, unknown>> = {}
      for (let i = 0; i < names.length; i++) value[names[i]!] = codecs[i]!.read(reader)
      return value as T
    },
  }
}

/** A value and zeros behind it, `length` bytes in all. */
export function padded<T>(inner: Codec<T>, length: number): Codec<T> {
  const zeros = new Uint8Array(length)
  return {
    size: () => length,
    write(value, target, at) {
      target.fill(0, inner.write(value, target, at), at + length)
      return at + length
    },
    read(reader) {
      const area = new Reader(reader.take(length))
      const value = inner.read(area)
      const padding = area.take(area.left)
      if (Buffer.compare(padding, zeros.subarray(0, padding.length)) !== 0) {
        throw new PeerError('ENCODING', 'padding that is not zero')
      }
      return value
    },
  }
}

/** A value with a rule that its bytes alone do not say. */
export function checked<T>(inner: Codec<T>, rule: (value: T) => boolean, what: string): Codec<T> {
  return {
    ...inner,
    read(reader) {
      const value = inner.read(reader)
      if (!rule(value)) throw new PeerError('ENCODING', what)
      return value
    },
  }
}
