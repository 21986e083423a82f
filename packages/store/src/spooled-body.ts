/** Bodies that are too long to be held, or of no known length: written to a file while they are hashed. */
import { LocalError, type MessageOptions } from '@countersign/core'
import {
  composeHead,
  composeItem,
  concat,
  copy,
  hex,
  type OutgoingItem,
  random,
  release,
  sha256Stream,
  utf8,
} from '@countersign/core/protocol'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Bodies longer than this get a file. */
export const SPOOL_FROM: number = 1024 * 1024

/** A body that comes piece by piece: a stream, or standard input. A piece is done with before the next is asked for. */
export type StreamedBody = AsyncIterable<Uint8Array | string>

/** An item ready to be signed; `file` is the name of the file that has its bytes, where one has. */
export interface KeptItem extends OutgoingItem {
  readonly file?: string
}

/** One that is in a file. */
export interface LongItem extends KeptItem {
  readonly file: string
}

export function isLong(item: KeptItem): item is LongItem {
  return item.file !== undefined
}

/**
 * Takes a body to its end: what is short is kept in memory.
 *
 * @param folder where the file goes
 * @throws LocalError STORAGE, MESSAGE_FORM, and whatever the body throws
 */
export async function spoolBody(folder: string, body: StreamedBody, options?: MessageOptions): Promise<KeptItem> {
  const pieces = body[Symbol.asyncIterator]()
  const start: Uint8Array[] = []
  for (let length = 0; length <= SPOOL_FROM;) {
    const { done, value } = await pieces.next()
    if (done) return composeItem(concat(...start), options)
    const piece = typeof value === 'string' ? utf8(value) : copy(value)
    start.push(piece)
    length += piece.length
  }
  return writeItem(folder, composeHead(options), start, pieces)
}

/** A Blob's bytes, whose memory is given back as soon as they are done with. */
export async function* blobBody(blob: Blob): AsyncGenerator<Uint8Array> {
  for await (const piece of blob.stream()) {
    yield piece
    release(piece)
  }
}

async function writeItem(
  folder: string,
  head: Uint8Array,
  start: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array | string>,
): Promise<KeptItem> {
  const file = hex(random(16))
  const part = join(folder, `${file}.part`)
  const hasher = sha256Stream()
  let length = 0
  try {
    await using handle = await open(part, 'wx', 0o600)
    const add = async (pieces: readonly Uint8Array[]): Promise<void> => {
      for (const piece of pieces) {
        hasher.update(piece)
        length += piece.length
      }
      // Writes on where the system took a part; `writev` would not say that the rest found no room.
      await inStorage(handle.writeFile(pieces))
    }
    await add([head, ...start])
    for (let next = await rest.next(); !next.done; next = await rest.next()) {
      await add([typeof next.value === 'string' ? utf8(next.value) : next.value])
    }
    await inStorage(handle.sync())
    await inStorage(rename(part, join(folder, `${file}.item`)))
    await using names = await open(folder)
    await inStorage(names.sync())
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
  return { leaf: hasher.digest(), length, bytes: new Uint8Array(0), file }
}

async function inStorage<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (cause) {
    throw new LocalError('STORAGE', (cause as Error).message, { cause })
  }
}
