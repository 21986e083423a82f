/** What can be seen of a running server: the one source of `status`, /metrics and /readyz. */
import type { Server } from '@countersign/core'
import type { StoredJournal } from '@countersign/store'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { whyNotStoring } from './health.ts'
import type { Meter } from './meter.ts'

export interface JournalSize {
  readonly receipts: number
  readonly messages: number
  /** Of its files, in bytes */
  readonly bytes: number
  /** Where it was made from a backup */
  readonly restored?: Restored
}

export interface Restored {
  /** When, the last time */
  readonly at: string
  /** Messages that the backup held */
  readonly messages: number
  /** Outboxes that it knew, and that have not been heard of since */
  readonly unheard: number
}

/** The part of a view that a journal on disk has. */
export interface StoreView {
  /** The journal's folder */
  readonly folder: string
  size(): Promise<JournalSize>
  /** How much waits for what */
  waiting(): Promise<Readonly<Record<string, number>>>
}

export class View {
  readonly server: Server
  readonly meter: Meter
  readonly store: StoreView | undefined
  stopping = false

  constructor(server: Server, meter: Meter, store: StoreView | undefined) {
    this.server = server
    this.meter = meter
    this.store = store
  }

  /** Undefined where it is ready. */
  async whyNotReady(): Promise<string | undefined> {
    return this.stopping ? 'it is stopping' : whyNotStoring(this.meter, this.store?.folder)
  }

  async waiting(): Promise<Readonly<Record<string, number>>> {
    return { commits: this.meter.committing, ...(await this.store?.waiting()) }
  }
}

/** @param waiting what is behind the journal, beside its commits */
export function storeView(journal: StoredJournal, waiting: StoreView['waiting']): StoreView {
  const { file } = journal
  return {
    folder: dirname(file),
    waiting,
    async size() {
      const [{ entries: receipts, messages }, bytes, restored] = await Promise.all([
        journal.size(),
        bytesOf(file),
        restoredOf(journal),
      ])
      return { receipts, messages, bytes, ...(restored && { restored }) }
    },
  }
}

async function restoredOf(journal: StoredJournal): Promise<Restored | undefined> {
  const last = journal.restores.at(-1)
  return last && { at: last.at.toISOString(), messages: last.messages, unheard: await journal.unheard() }
}

/** The database, its log, and the folder of long items. */
async function bytesOf(file: string): Promise<number> {
  const folder = dirname(file)
  const own = (await readdir(folder)).filter((name) => name.startsWith(basename(file)) && name !== `${basename(file)}-items`)
  const items = await readdir(`${file}-items`).catch(() => [])
  const paths = [...own.map((name) => join(folder, name)), ...items.map((name) => join(`${file}-items`, name))]
  // What goes away meanwhile takes up nothing.
  const sizes = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
