/** Whether the server can do what it is for. */
import { open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Meter } from './meter.ts'

/** With fewer bytes free than this a disk counts as full: the next commit may need them. */
const LEAST_ROOM = 1024 * 1024
/** What is written to see whether a disk takes anything again; bytes */
const PROBE = 64 * 1024

/**
 * Why messages cannot be stored now; undefined where they can.
 *
 * @param folder the journal's; undefined where nothing is stored
 */
export async function whyNotStoring(meter: Meter, folder: string | undefined): Promise<string | undefined> {
  if (folder === undefined) return undefined
  try {
    const { bavail, bsize } = await statfs(folder)
    if (bavail * bsize < LEAST_ROOM) return `the disk is full: ${folder}`
    if (meter.failure === undefined) return undefined
    // Nobody may send as long as this says that nothing can be stored: so it is tried here.
    await probe(join(folder, `.probe-${process.pid}`))
    meter.failure = undefined
    return undefined
  } catch (error) {
    return `nothing can be written to ${folder}: ${meter.failure ?? (error as Error).message}`
  }
}

async function probe(path: string): Promise<void> {
  try {
    await using file = await open(path, 'w', 0o600)
    await file.write(Buffer.alloc(PROBE))
    await file.sync()
  } finally {
    await rm(path, { force: true })
  }
}
