/** Byte strings: the few operations that every layer needs. */

/** Joins byte strings into one fresh copy. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return put(new Uint8Array(lengthOf(parts)), 0, parts)
}

/** How long byte strings are together. */
export function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0
  for (const part of parts) length += part.length
  return length
}

/** Writes byte strings one behind the other, from `at` on; however many there are. Returns what they were written to. */
export function put(target: Uint8Array, at: number, parts: readonly Uint8Array[]): Uint8Array {
  let behind = at
  for (const part of parts) {
    target.set(part, behind)
    behind += part.length
  }
  return target
}

/** Pieces shorter than this together are kept as one. */
export const GATHERED = 1024

/**
 * Adds a piece to those that wait for the rest. To keep one costs hundreds of bytes, and a peer may send whatever it sends
 * one byte at a time: short ones are joined, so that what is held stays in proportion to what has come.
 */
export function gather(pieces: Uint8Array[], piece: Uint8Array): void {
  const last = pieces.at(-1)
  if (last === undefined || last.length + piece.length > GATHERED) pieces.push(piece)
  else pieces[pieces.length - 1] = concat(last, piece)
}

/** Whether two byte strings are the same, in a time that depends on their lengths alone. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!
  return difference === 0
}

/** Whether every byte is zero, in a time that depends on the length alone. */
export function isZero(bytes: Uint8Array): boolean {
  let bits = 0
  for (let i = 0; i < bytes.length; i++) bits |= bytes[i]!
  return bits === 0
}

/** Overwrites secrets with zeros as soon as they have served. */
export function wipe(...secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0)
}

/**
 * A copy with memory of its own: a short view of a socket's buffer would keep all of that buffer alive, and a Buffer's
 * own `slice` copies nothing.
 */
export function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}

/** Whether no other byte string shares their buffer; before those of a record stands its kind, which nobody reads twice. */
export function ownsBuffer({ buffer, byteOffset, length }: Uint8Array): boolean {
  return byteOffset <= 1 && byteOffset + length === buffer.byteLength
}

/** Byte strings shorter than this are left to the collector. */
export const WORTH_RELEASING: number = 2 * 1024

/**
 * Gives back the memory of bytes that nobody reads any more: the collector, which sees a few small objects where there are
 * megabytes, would come late. Short ones, and those that share their buffer, stay as they are.
 */
export function release(bytes: Uint8Array): void {
  if (bytes.length >= WORTH_RELEASING && ownsBuffer(bytes)) (bytes.buffer as ArrayBuffer).transfer(0)
}

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  // A view would give short byte strings, which live in the heap, memory outside of it for good; a text that is joined
  // byte by byte would be kept in as many pieces.
  const room = bytes.length <= lent.length ? lent : Buffer.alloc(bytes.length)
  room.set(bytes)
  const text = room.toString('hex', 0, bytes.length)
  room.fill(0, 0, bytes.length)
  return text
}

const lent = Buffer.alloc(64)

/** The same bytes as a Node Buffer, without a copy. */
export function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 of a text. */
export function utf8(text: string): Uint8Array {
  if (text.length > SHORT) return encoder.encode(text)
  // Labels are short and ASCII: their encoder would cost more than what is done with them.
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return encoder.encode(text)
    bytes[i] = unit
  }
  return bytes
}

const SHORT = 64

/** The text of UTF-8 bytes; undefined where they are not well-formed UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu

/** A peer's text with control and direction characters escaped, fit for a terminal or a log line. */
export function printable(text: string): string {
  return text.toWellFormed().replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}
