/**
 * A journal of one's own: a folder with one file for each receipt. Any store will do that keeps what `Journal` promises.
 *
 * The N-th receipt of a place is the file PLACE/N. It is written aside and synced first, then linked to its name, which the
 * file system lets happen once: so an entry is there whole or not at all, and of two processes that append at the same
 * place one is told that it has moved. What a crash leaves besides, drafts and items, is named by no entry and counts for nothing.
 */
import {
  connect,
  type Entry,
  generatePrivateKey,
  type Head,
  identity,
  type Journal,
  listen,
  LocalError,
  type Place,
  type Spool,
} from '@countersign/core'
import { EMPTY_HEAD, hex, OUTCOME, placeName, type SignedStatement } from '@countersign/core/protocol'
import { openOutbox } from '@countersign/store'
import { randomBytes, randomUUID } from 'node:crypto'
import { createReadStream, openAsBlob } from 'node:fs'
import { link, mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'

/** What a file holds: an entry, where a long item is named by its file instead. */
type Stored = Omit<Entry, 'items'> & { readonly items: readonly Uint8Array[] | string }

interface Known {
  head: Head
  /** Receipts by the digests of their envelopes. */
  readonly receipts: Map<string, SignedStatement>
  /** The last append that was asked for. */
  last: Promise<void>
}

/** Opens a journal in a folder, and makes it where there is none. @throws LocalError STORAGE */
export async function openFolderJournal(folder: string): Promise<Journal> {
  const places = new Map<string, Known>()
  await storing(mkdir(folder, { recursive: true }))
  const id = await storing(ownId(folder))

  /** What is known of a place, once what other processes have added is read. */
  async function known(place: Place): Promise<Known> {
    const name = placeName(place)
    const found = places.get(name) ?? { head: EMPTY_HEAD, receipts: new Map(), last: Promise.resolve() }
    places.set(name, found)
    for (;;) {
      const file = await whereItIs(readFile(join(folder, name, `${found.head.index + 1}`)))
      if (file === undefined) return found
      learn(found, deserialize(file) as Stored)
    }
  }

  async function append({ items, ...entry }: Entry, found: Known): Promise<void> {
    const { index } = entry.receiptStatement
    if (index !== found.head.index + 1) throw new LocalError('PLACE_MOVED')
    const stored = { ...entry, items: items instanceof FolderSpool ? await items.keep() : items } as Stored
    const target = join(folder, placeName(entry.place))
    await mkdir(target, { recursive: true })
    await sync(folder)
    if (!(await writeOnce(join(target, `${index}`), serialize(stored)))) throw new LocalError('PLACE_MOVED')
    learn(found, stored)
  }

  return {
    id,
    durable: true,
    head: (place) => storing(known(place).then(({ head }) => head)),
    find: (place, digest) => storing(known(place).then(({ receipts }) => receipts.get(hex(digest)))),
    append(entry) {
      const name = placeName(entry.place)
      const found = places.get(name)
      // Whoever appends has asked for the head: without that there is nothing to continue.
      if (found === undefined) return Promise.reject(new LocalError('PLACE_MOVED'))
      // One after the other: behind one that failed, the next finds that its index does not follow.
      const appended = found.last.then(() => storing(append(entry, found)))
      found.last = appended.catch(() => {})
      return appended
    },
    spool: (_place, _digest, length) => Promise.resolve(new FolderSpool(join(folder, `item-${randomUUID()}`), length)),
    // A spool is forgotten with its session: there is none to drop.
    dropPartial: () => Promise.resolve(),
  }
}

/** Takes an entry in, once: it may be read back before whoever has written it gets to know. */
function learn(known: Known, { receipt, receiptStatement: { index, chain, digest, outcome }, next }: Stored): void {
  if (index <= known.head.index) return
  const conflicts = known.head.conflicts + (outcome === OUTCOME.conflict ? 1 : 0)
  known.head = { position: { ...EMPTY_HEAD.position, next }, index, chain, conflicts }
  known.receipts.set(hex(digest), receipt)
}

/** A long item in a file of its own. One that is interrupted is forgotten, and comes again from its start. */
class FolderSpool implements Spool {
  readonly length: number
  readonly #path: string
  offset = 0

  constructor(path: string, length: number) {
    this.#path = path
    this.length = length
  }

  async *read(): AsyncGenerator<Uint8Array> {
    if (this.offset > 0) yield* createReadStream(this.#path)
  }

  async write(pieces: readonly Uint8Array[]): Promise<void> {
    await using file = await storing(open(this.#path, 'a'))
    for (const piece of pieces) {
      await storing(file.writeFile(piece))
      this.offset += piece.length
    }
  }

  /** Makes it survive power loss; its name. */
  async keep(): Promise<string> {
    await sync(this.#path)
    return this.#path
  }

  suspend(): Promise<void> {
    return this.discard()
  }

  async discard(): Promise<void> {
    this.offset = 0
    await storing(rm(this.#path, { force: true }))
  }

  blob(): Promise<Blob> {
    return openAsBlob(this.#path)
  }
}

/** The journal's id, made by whoever is first. */
async function ownId(folder: string): Promise<Uint8Array> {
  const path = join(folder, 'id')
  await writeOnce(path, randomBytes(16))
  return Uint8Array.from(await readFile(path))
}

/** Writes a file durably; false where there is one of that name. */
async function writeOnce(path: string, content: Uint8Array): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`
  try {
    {
      await using file = await open(draft, 'wx')
      await file.writeFile(content)
      await file.sync()
    }
    await link(draft, path)
    await sync(join(path, '..'))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

async function sync(path: string): Promise<void> {
  await using file = await open(path)
  await file.sync()
}

async function whereItIs(reading: Promise<Uint8Array>): Promise<Uint8Array | undefined> {
  return reading.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}

/** Says of whatever fails that it is the disk. */
function storing<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: Error) => {
    throw cause instanceof LocalError ? cause : new LocalError('STORAGE', cause.message, { cause })
  })
}

if (import.meta.main) {
  const folder = await mkdtemp(join(tmpdir(), 'own-journal-'))
  const alice = identity(generatePrivateKey())
  const bob = identity(generatePrivateKey())
  for (const run of ['first', 'second']) {
    const journal = await openFolderJournal(join(folder, 'journal'))
    await using outbox = await openOutbox(join(folder, 'outbox'), { identity: alice })
    await using server = await listen({ host: '127.0.0.1', identity: bob, peers: [alice.publicKey], journal })
    await using session = await connect({ host: '127.0.0.1', port: server.port, identity: alice, peer: bob.publicKey, outbox })
    const { outcome, number, statement } = await session.send(`in the ${run} run`)
    console.log(`${run} run: #${number} is ${outcome}, by receipt ${statement.index} of journal ${hex(statement.journal)}`)
  }
  await rm(folder, { recursive: true })
}
