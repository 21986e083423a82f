/** Messages over a plain byte stream: u32 length || body; the server answers with u32 counts of what it has. */
import type { Link } from '../harness/contender.ts'
import { Waiting } from './waiting.ts'

/** A byte stream, of whatever library. */
export interface Stream {
  write(bytes: Uint8Array): boolean
  onData(take: (bytes: Uint8Array) => void): void
  onDrain(go: () => void): void
  close(): Promise<void>
}

/** The bit of a length that says: what follows is bulk, answered once, at its end. */
const BULK = 0x8000_0000
const MOST_BATCH = 1024 * 1024

/** What a framing does beside carrying messages. */
export interface Framing {
  /** Each message, and each answer, is a write of its own; else all of one moment go together. */
  readonly each: boolean
  /** What has come of a long body is dropped; else it is held in memory until all of it is there. */
  readonly drops: boolean
}

/** Takes messages. Where they are batched, one answer counts all that came in one chunk. */
export function answer(stream: Stream, { each, drops }: Framing): void {
  /** What has come of a message, and how many bytes it takes in all. */
  let held: Buffer[] = []
  let length = 0
  let needed = 0
  let bulk = 0
  let body: Buffer[] = []
  const acknowledge = (count: number): void => {
    const word = Buffer.allocUnsafe(4)
    word.writeUInt32BE(count)
    stream.write(word)
  }
  stream.onData((bytes) => {
    let chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (bulk > 0) {
      const part = Math.min(bulk, chunk.length)
      bulk -= part
      if (!drops) body.push(chunk.subarray(0, part))
      chunk = chunk.subarray(part)
      if (bulk === 0) {
        body = []
        acknowledge(1)
      }
    }
    if (chunk.length === 0) return
    held.push(chunk)
    length += chunk.length
    if (length < needed) return
    chunk = held.length === 1 ? chunk : Buffer.concat(held, length)
    let at = 0
    let count = 0
    needed = 4
    while (chunk.length - at >= 4) {
      const size = chunk.readUInt32BE(at)
      if (size >= BULK) {
        bulk = (size - BULK) * 1024 - (chunk.length - at - 4)
        if (!drops) body.push(chunk.subarray(at + 4))
        at = chunk.length
        break
      }
      needed = 4 + size
      if (chunk.length - at < needed) break
      at += needed
      needed = 4
      if (each) acknowledge(1)
      else count += 1
    }
    held = at < chunk.length ? [chunk.subarray(at)] : []
    length = chunk.length - at
    if (count > 0) acknowledge(count)
  })
}

/** Sends messages. */
export function framedLink(stream: Stream, { each }: Framing): Link {
  const waiting = new Waiting()
  let word: Buffer = Buffer.alloc(0)
  stream.onData((bytes) => {
    let answers = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (word.length > 0) answers = Buffer.concat([word, answers])
    const whole = answers.length - (answers.length % 4)
    for (let at = 0; at < whole; at += 4) waiting.acknowledge(answers.readUInt32BE(at))
    word = answers.subarray(whole)
  })

  let batch: Buffer[] = []
  let batched = 0
  const flush = (): void => {
    if (batched === 0) return
    const bytes = Buffer.concat(batch, batched)
    batch = []
    batched = 0
    stream.write(bytes)
  }

  return {
    post(body, acknowledged) {
      waiting.push(acknowledged)
      const message = Buffer.allocUnsafe(4 + body.length)
      message.writeUInt32BE(body.length)
      message.set(body, 4)
      if (each) return void stream.write(message)
      if (batched === 0) queueMicrotask(flush)
      batch.push(message)
      batched += message.length
      if (batched > MOST_BATCH) flush()
    },
    bulk: (length) => bulk(stream, waiting, length),
    close: () => stream.close(),
  }
}

const PIECE: Uint8Array = Buffer.alloc(64 * 1024, 'bulk')

async function bulk(stream: Stream, waiting: Waiting, length: number): Promise<void> {
  const answered = new Promise<void>((resolve) => waiting.push(resolve))
  let drained: (() => void) | undefined
  stream.onDrain(() => drained?.())
  const head = Buffer.allocUnsafe(4)
  head.writeUInt32BE(BULK + length / 1024)
  stream.write(head)
  for (let left = length; left > 0; left -= PIECE.length) {
    if (!stream.write(left < PIECE.length ? PIECE.subarray(0, left) : PIECE)) {
      await new Promise<void>((resolve) => (drained = resolve))
    }
  }
  await answered
}
