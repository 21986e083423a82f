/**
 * The files of a watched folder on their way into the outbox, each exactly once, whenever this process is killed.
 *
 * A file is claimed by a rename into a folder of its own, `.countersign/SERIAL-ID`: ID is the id that its message will have,
 * SERIAL the last message of the outbox before. Whether a claim that was left behind is in the outbox is therefore seen
 * there: among the messages behind SERIAL one has this id, or none has.
 */
import type { StoredOutbox } from '@countersign/store'
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

/** What becomes of a file whose message is in the outbox. */
export type Then = 'keep' | 'delete'

export interface Claim {
  /** The id of its message */
  readonly id: string
  /** The file's name */
  readonly name: string
  /** Where it is now */
  readonly path: string
  readonly folder: string
  /** The last message of the outbox before it was claimed */
  readonly after: number
}

export class Claims {
  readonly folder: string
  readonly #watched: string
  readonly #sent: string
  readonly #then: Then

  /** Makes its folders where they are missing. */
  constructor(watched: string, then: Then) {
    this.#watched = watched
    this.folder = join(watched, '.countersign')
    this.#sent = join(watched, SENT)
    this.#then = then
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
    if (then === 'keep') mkdirSync(this.#sent, { recursive: true, mode: 0o700 })
  }

  /** Takes a file out of the watched folder. @param after the last message of the outbox, or an earlier one @throws Node's system errors */
  take(name: string, after: number): Claim {
    const id = randomBytes(16).toString('hex')
    const folder = join(this.folder, `${after}-${id}`)
    const path = join(folder, name)
    mkdirSync(folder, { mode: 0o700 })
    try {
      renameSync(join(this.#watched, name), path)
    } catch (error) {
      rmdirSync(folder)
      throw error
    }
    // It must not be found in the watched folder again once its message is committed.
    for (const changed of [folder, this.folder, this.#watched]) sync(changed)
    return { id, name, path, folder, after }
  }

  /** What a process that was killed has left behind, in the order in which it was claimed. */
  left(): Claim[] {
    const found: Claim[] = []
    for (const entry of readdirSync(this.folder)) {
      const [, after, id] = /^(\d+)-([0-9a-f]{32})$/.exec(entry) ?? []
      if (id === undefined) continue
      const folder = join(this.folder, entry)
      const [name] = readdirSync(folder)
      if (name === undefined) rmdirSync(folder)
      else found.push({ id, name, path: join(folder, name), folder, after: Number(after) })
    }
    return found.toSorted((a, b) => a.after - b.after)
  }

  /** Its message is in the outbox: the file goes where it was asked for. */
  finish({ name, path, folder, id }: Claim): void {
    if (this.#then === 'delete') unlinkSync(path)
    else {
      const target = join(this.#sent, name)
      const other = `${name}.${id}`
      renameSync(path, existsSync(target) ? join(this.#sent, Buffer.byteLength(other) > MOST_NAME ? id : other) : target)
    }
    rmdirSync(folder)
  }
}

/** The subfolder that keeps files whose messages are in the outbox. */
export const SENT = 'sent'

/** Bytes of a name that any file system takes. */
const MOST_NAME = 255

/** Whether the message of a claim is in the outbox; undefined where that cannot be seen, because bodies were pruned since. */
export async function isQueued({ id, after }: Claim, outbox: StoredOutbox): Promise<boolean | undefined> {
  let pruned = false
  for (let serial = after + 1; ; serial++) {
    const message = await outbox.message(serial)
    if (message === undefined) return pruned ? undefined : false
    const content = await message.content()
    if (content?.attributes.get('id') === id) return true
    pruned ||= content === undefined
  }
}

function sync(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
