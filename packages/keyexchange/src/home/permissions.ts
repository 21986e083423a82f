/** Who may read a private key and who may change what is trusted: checked before every use. */
import { type Stats, statSync } from 'node:fs'
import { CliError } from '../cli/exit.ts'

/** On Windows modes mean little: the user profile's own protection stands in for them. */
export const MODES_COUNT: boolean = process.platform !== 'win32'

const READABLE_BY_OTHERS = 0o077
const WRITABLE_BY_OTHERS = 0o022

/** @throws CliError PERMISSIONS where anyone but the owner can do anything with this file */
export function requirePrivate(path: string): void {
  const stats = requireOwned(path)
  if (MODES_COUNT && stats.mode & READABLE_BY_OTHERS) {
    throw new CliError('PERMISSIONS', `others can read the private key ${path}; it was not used`, `chmod 600 ${quoted(path)}`)
  }
}

/** @throws CliError PERMISSIONS where anyone but the owner can change this file or folder */
export function requireUnwritable(path: string): void {
  const stats = requireOwned(path)
  if (MODES_COUNT && stats.mode & WRITABLE_BY_OTHERS) {
    throw new CliError('PERMISSIONS', `others can write ${path}; what it says was not trusted`, `chmod go-w ${quoted(path)}`)
  }
}

function requireOwned(path: string): Stats {
  const stats = statSync(path)
  if (MODES_COUNT && stats.uid !== process.geteuid!() && stats.uid !== 0) {
    throw new CliError('PERMISSIONS', `${path} belongs to another user; it was not trusted`, `chown "$(id -u)" ${quoted(path)}`)
  }
  return stats
}

/** A path as one word of a shell. */
export function quoted(path: string): string {
  return /^[A-Za-z0-9/._+-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`
}
