/** Changing the passphrase of this side's private keys. */
import { existsSync } from 'node:fs'
import { privateKeyFile } from './create.ts'
import { PRIVATE_MODE, replaceFile } from './files.ts'
import type { HomePaths } from './layout.ts'
import { type AskPassphrase, noteOwn, readOwn, readPrevious, unlock } from './own.ts'

/** Asked once the old passphrase was right; undefined is none. */
export type AskNewPassphrase = () => string | undefined | Promise<string | undefined>

/**
 * Writes the private key anew, and during a rotation the one before it too.
 *
 * @throws LocalError KEY_PASSPHRASE; CliError CONFLICT where they were changed while somebody was asked
 */
export async function changePassphrase(paths: HomePaths, ask: AskPassphrase, askNew: AskNewPassphrase): Promise<void> {
  const requireUnchanged = noteOwn(paths)
  const own = readOwn(paths)
  const previous = existsSync(paths.previous) ? readPrevious(paths, own) : undefined
  const keys = [own, ...(previous ? [previous] : [])]
  const unlocked = []
  for (const key of keys) unlocked.push({ ...key, privateKey: await unlock(key, ask) })
  const passphrase = await askNew()
  const files = []
  for (const { path, about, privateKey } of unlocked) {
    files.push({ path, content: await privateKeyFile(privateKey, about, passphrase) })
  }
  requireUnchanged()
  for (const { path, content } of files) replaceFile(path, content, PRIVATE_MODE)
}
