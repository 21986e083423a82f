/**
 * Writing so that a power cut or a SIGKILL at any point leaves the old file or the new one, whole.
 *
 * Every file is written under a temporary name with its mode from the start and fsynced; then it gets its name, by a
 * link where nothing may stand there yet, else by a rename; then its folder is fsynced.
 */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, lstatSync, mkdirSync, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CliError } from '../cli/exit.ts'

export const PRIVATE_MODE = 0o600
export const PUBLIC_MODE = 0o644
const FOLDER_MODE = 0o700

/** What interrupted writes leave behind: `doctor --fix` removes these. */
export const TEMPORARY: RegExp = /^\.new-[0-9a-f]{16}$/

/** Writes a file where none may stand. @throws CliError EXISTS */
export function createFile(path: string, content: string, mode: number): void {
  withTemporary(path, content, mode, (temporary) => {
    linkNew(temporary, path)
    unlinkSync(temporary)
  })
}

/** Writes a file in place of one that may stand there. */
export function replaceFile(path: string, content: string, mode: number): void {
  withTemporary(path, content, mode, (temporary) => renameSync(temporary, path))
}

/** Gives a file a second name, in the same file system. @throws CliError EXISTS */
export function linkFile(existing: string, path: string): void {
  linkNew(existing, path)
  syncFolder(dirname(path))
}

export function removeFile(path: string): void {
  unlinkSync(path)
  syncFolder(dirname(path))
}

/** Whether a file could not be read as another process has taken it away since its folder was listed: no link to nothing either. */
export function isGone(path: string, error: unknown): boolean {
  const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
  return missing && lstatSync(path, { throwIfNoEntry: false }) === undefined
}

/** Makes a folder, and those above it, which others cannot read. */
export function makeFolder(path: string): void {
  if (mkdirSync(path, { recursive: true, mode: FOLDER_MODE }) !== undefined) syncFolder(dirname(path))
}

function withTemporary(path: string, content: string, mode: number, name: (temporary: string) => void): void {
  const folder = dirname(path)
  const temporary = join(folder, `.new-${randomBytes(8).toString('hex')}`)
  try {
    writeSynced(temporary, content, mode)
    name(temporary)
  } catch (error) {
    removeIfThere(temporary)
    throw error
  }
  syncFolder(folder)
}

function writeSynced(path: string, content: string, mode: number): void {
  const file = openSync(path, 'wx', mode)
  try {
    writeFileSync(file, content)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function linkNew(existing: string, path: string): void {
  try {
    linkSync(existing, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new CliError(
      'EXISTS',
      `${path} exists already; it was left as it is`,
      'choose another name, or move the old file away',
      {
        cause: error,
      },
    )
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // It was never made, or has its name already.
  }
}

/** Makes names in a folder last; Windows has no such call and needs none. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
