/** What lies in a watched folder. */
import { printable } from '@countersign/keyexchange/cli'
import { accessSync, constants, type FSWatcher, lstatSync, readdirSync, watch } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SENT } from './claims.ts'

/** Names that are not whole yet, or not meant: hidden files, and what is being written under a name for the time being. */
const IGNORED = /^\.|\.(part|tmp)$/

/** How often a folder is looked at though nothing was told of it: not every file system tells; ms */
const POLL = 2000

export class Scan {
  readonly #folder: string
  readonly #note: (line: string) => void
  /** What was left lying, and why: said once of each */
  readonly #left = new Map<string, string>()

  constructor(folder: string, note: (line: string) => void) {
    this.#folder = folder
    this.#note = note
  }

  /** The files that are to be sent: the oldest first, by their times of change and then by name. */
  files(): string[] {
    const found: { readonly name: string; readonly changed: bigint }[] = []
    for (const name of readdirSync(this.#folder)) {
      if (IGNORED.test(name) || name === SENT) continue
      const changed = this.#changed(name)
      if (changed !== undefined) found.push({ name, changed })
    }
    const order = (a: string, b: string): number => (a < b ? -1 : 1)
    return found.toSorted((a, b) => Number(a.changed - b.changed) || order(a.name, b.name)).map(({ name }) => name)
  }

  /** When a file was changed; undefined where it is none that can be sent, which is said. */
  #changed(name: string): bigint | undefined {
    const path = join(this.#folder, name)
    const status = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (status === undefined) return undefined
    if (!status.isFile()) return this.#leave(name, status.isDirectory() ? 'it is a folder' : 'it is no file')
    try {
      accessSync(path, constants.R_OK)
      return status.mtimeNs
    } catch {
      return this.#leave(name, 'it may not be read')
    }
  }

  #leave(name: string, why: string): undefined {
    if (this.#left.get(name) === why) return
    this.#left.set(name, why)
    this.#note(`left lying: ${printable(name)}: ${why}`)
  }
}

/** Tells of changes in a folder, and now and then without any. */
export class Changes implements Disposable {
  readonly #watcher: FSWatcher
  #news = Promise.withResolvers<void>()

  constructor(folder: string) {
    this.#watcher = watch(folder, () => this.#news.resolve())
  }

  /** Resolves when there was a change since it last did. */
  async next(signal: AbortSignal): Promise<void> {
    const done = new AbortController()
    await Promise.race([
      this.#news.promise,
      sleep(POLL, undefined, { signal: AbortSignal.any([signal, done.signal]) }).catch(() => {}),
    ])
    done.abort()
    this.#news = Promise.withResolvers()
  }

  [Symbol.dispose](): void {
    this.#watcher.close()
  }
}
