/** What V8 has made of a program's files, kept for its next start. It stands alone: what it imports is compiled anew each time. */
import { lstatSync, mkdirSync } from 'node:fs'
import { enableCompileCache, getCompileCacheDir } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

const WRITABLE_BY_OTHERS = 0o022

/**
 * Has Node keep what it compiles from now on, in $XDG_CACHE_HOME/countersign. Where NODE_COMPILE_CACHE names a folder, it keeps
 * it there; with NODE_DISABLE_COMPILE_CACHE, nowhere.
 *
 * Whoever writes there decides what runs. So it is this user's own folder in a folder of this user's, and nobody else's to write,
 * or is not used. Node checks that what it finds is whole, and of the very file that it is to run; where there is nothing, or
 * cannot be, it compiles.
 */
export function keepCompiled(): void {
  if (getCompileCacheDir() !== undefined) return
  try {
    const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'countersign')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (isOwn(folder) && isOwn(dirname(folder))) enableCompileCache(folder)
  } catch {
    // It starts all the same, a little later.
  }
}

/** A folder itself, and no link to one, which this user alone may write to. On Windows the user profile's own protection stands for it. */
function isOwn(folder: string): boolean {
  const found = lstatSync(folder)
  if (!found.isDirectory()) return false
  return process.geteuid === undefined || (found.uid === process.geteuid() && (found.mode & WRITABLE_BY_OTHERS) === 0)
}
