/** Long items, each in a file of its own beside the database: `NAME.part` while it comes, `NAME.item` for good. */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fsyncFolder } from './database.ts'

/** Bytes written between two fsyncs: the last one then has little to do. */
const FSYNC_EVERY = 16 * 1024 * 1024

/** The folder of a database's long items. */
export function itemFolder(file: string): string {
  return `${file}-items`
}

interface OpenPart {
  readonly descriptor: number
  size: number
  /** Bytes that may not have reached the disk; what another process has written before counts too. */
  unsynced: number
}

export class ItemFiles {
  readonly folder: string
  readonly #open = new Map<string, OpenPart>()

  constructor(file: string) {
    this.folder = itemFolder(file)
    try {
      mkdirSync(this.folder, { mode: 0o700 })
      fsyncFolder(dirname(this.folder))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }

  /** Where the file of this name stands: an item that was complete may have its final name before its commit. */
  path(name: string): string {
    const part = join(this.folder, `${name}.part`)
    return exists(part) || !exists(this.itemPath(name)) ? part : this.itemPath(name)
  }

  itemPath(name: string): string {
    return join(this.folder, `${name}.item`)
  }

  /** How many bytes are held, durably from now on. */
  size(name: string): number {
    const open = this.#open.get(name)
    if (open !== undefined) return this.#sync(name, open)
    const path = this.path(name)
    if (!exists(path)) return 0
    const descriptor = openSync(path, 'r+')
    try {
      fsyncSync(descriptor)
      return fstatSync(descriptor).size
    } catch (error) {
      this.#forgetPart(name)
      throw error
    } finally {
      closeSync(descriptor)
    }
  }

  /** Begins writing, behind what is held. */
  open(name: string): void {
    this.close(name)
    const path = this.path(name)
    const descriptor = openSync(path, exists(path) ? 'r+' : 'wx+', 0o600)
    this.#open.set(name, { descriptor, size: fstatSync(descriptor).size, unsynced: 1 })
  }

  /** Adds bytes at the end. */
  write(name: string, bytes: Uint8Array): void {
    const open = this.#open.get(name)!
    for (let at = 0; at < bytes.length;) {
      const written = writeSync(open.descriptor, bytes, at, bytes.length - at, open.size)
      at += written
      open.size += written
      open.unsynced += written
    }
    if (open.unsynced >= FSYNC_EVERY) this.#sync(name, open)
  }

  /** Makes all that is held durable, and ends writing. */
  close(name: string): void {
    const open = this.#open.get(name)
    if (open === undefined) return
    try {
      this.#sync(name, open)
    } finally {
      this.#release(name)
    }
  }

  /** Gives a complete item its final name, durably. */
  complete(name: string): void {
    this.close(name)
    const path = this.path(name)
    if (path !== this.itemPath(name)) renameSync(path, this.itemPath(name))
    fsyncFolder(this.folder)
  }

  remove(name: string): void {
    this.#forgetPart(name)
    rmSync(this.itemPath(name), { force: true })
  }

  closeAll(): void {
    for (const name of this.#open.keys()) this.close(name)
  }

  /** When a file was written to last, in ms since 1970; undefined where there is none. */
  touched(name: string): number | undefined {
    return statSync(this.path(name), { throwIfNoEntry: false })?.mtimeMs
  }

  /** The names of all files. */
  names(): string[] {
    return [...new Set(readdirSync(this.folder).map((file) => file.replace(/\.(part|item)$/, '')))]
  }

  #sync(name: string, open: OpenPart): number {
    if (open.unsynced === 0) return open.size
    try {
      fsyncSync(open.descriptor)
    } catch (error) {
      this.#forgetPart(name)
      throw error
    }
    open.unsynced = 0
    return open.size
  }

  /**
   * A part whose fsync has failed holds nothing any more: the system tells once that it could not write, takes the bytes for
   * written from then on, and shows them to whoever reads. What has its final name was durable before it got that, and stays.
   */
  #forgetPart(name: string): void {
    this.#release(name)
    // Not cut off: whoever is writing to it still must not find a file there that it could complete.
    rmSync(join(this.folder, `${name}.part`), { force: true })
  }

  #release(name: string): void {
    const open = this.#open.get(name)
    this.#open.delete(name)
    if (open !== undefined) closeSync(open.descriptor)
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
