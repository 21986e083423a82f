/** Backups of journals, while servers write to them, and journals made from backups. */
import { LocalError } from '@countersign/core'
import { constants } from 'node:fs'
import { copyFile, link, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { inThread } from './desk.ts'
import { itemFolder } from './item-files.ts'
import type { JournalTables } from './journal-tables.ts'
import { Writer } from './writer.ts'

/** Who is told how far the copy has come. */
export interface CopyOptions {
  /** Told after each long item, of how many. */
  readonly onProgress?: (done: number, total: number) => void
}

/**
 * Copies a journal as it stands at one moment, while others write to it: to `target` and the folder TARGET-items. The copy is
 * marked as a backup: only `restoreJournal` makes a journal of it.
 *
 * @throws LocalError STORAGE, also where the target exists
 */
export function backupJournal(file: string, target: string, options?: CopyOptions): Promise<void> {
  return copyJournal(file, target, 'backup', options)
}

/**
 * Makes a journal from a backup, with a journal id of its own, under which every chain of receipts begins anew: its senders
 * learn from that what may be missing.
 *
 * @throws LocalError STORAGE, also where the journal exists
 */
export function restoreJournal(backup: string, file: string, options?: CopyOptions): Promise<void> {
  return copyJournal(backup, file, 'journal', options)
}

async function copyJournal(
  from: string,
  to: string,
  kind: 'backup' | 'journal',
  { onProgress }: CopyOptions = {},
): Promise<void> {
  const source = resolve(from)
  const target = resolve(to)
  // The one thing that makes the copy a journal is its name, which it gets last.
  const draft = `${target}.draft`
  let begun = false
  try {
    await requireThere(source)
    await requireFree(target)
    await requireFree(itemFolder(target))
    await removeDraft(draft)
    begun = true
    await withTables(source, (tables) => tables.copyInto(draft))
    await withTables(draft, async (tables) => {
      const gone = await copyItems(await tables.files(), itemFolder(source), itemFolder(draft), onProgress)
      if (gone.length > 0) await requirePruned(source, gone)
      await tables.adopt(kind, gone, Date.now())
    })
    await sync(draft)
    await rename(itemFolder(draft), itemFolder(target))
    await link(draft, target)
    await rm(draft)
    await sync(dirname(target))
  } catch (cause) {
    // A disk that it has filled should have room again.
    if (begun) await removeDraft(draft).catch(() => {})
    if (cause instanceof LocalError) throw cause
    throw new LocalError('STORAGE', `${basename(target)}: ${(cause as Error).message}`, { cause })
  }
}

/** Copies the files of long items; answers the entries whose files are gone. */
async function copyItems(
  files: readonly { readonly id: number; readonly file: string }[],
  from: string,
  to: string,
  onProgress: CopyOptions['onProgress'],
): Promise<number[]> {
  const gone: number[] = []
  for (const [at, { id, file }] of files.entries()) {
    const name = `${file}.item`
    try {
      await copyFile(join(from, name), join(to, name), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
      await sync(join(to, name))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      gone.push(id)
    }
    onProgress?.(at + 1, files.length)
  }
  await sync(to)
  return gone
}

/** An item that is missing though nobody has pruned it would be gone for good, and the copy would not say so. */
async function requirePruned(source: string, gone: readonly number[]): Promise<void> {
  const held = new Map((await withTables(source, (tables) => tables.files())).map(({ id, file }) => [id, file]))
  const missing = gone.filter((id) => held.has(id))
  if (missing.length === 0) return
  const folder = itemFolder(source)
  throw new LocalError('STORAGE', `${folder} lacks ${held.get(missing[0]!)!}.item; missing are ${missing.length} of its items`)
}

async function withTables<T>(file: string, work: (tables: Writer<JournalTables>['remote']) => Promise<T>): Promise<T> {
  const writer = new Writer<JournalTables>(file, inThread({ kind: 'journal', file, backupToo: true }))
  try {
    return await work(writer.remote)
  } finally {
    await writer.close()
  }
}

async function requireThere(file: string): Promise<void> {
  if ((await stat(file).catch(() => undefined)) === undefined) throw new LocalError('STORAGE', `there is no ${file}`)
}

async function requireFree(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined)) !== undefined) throw new LocalError('STORAGE', `${path} exists`)
}

/** What an attempt that failed has made, or one that did not end may have left. */
async function removeDraft(draft: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm', '-items']) await rm(`${draft}${suffix}`, { recursive: true, force: true })
}

/** Makes a file's content, or a folder's names, durable. */
async function sync(path: string): Promise<void> {
  await using handle = await open(path)
  await handle.sync()
}
