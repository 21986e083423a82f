/** Changing the passphrase of this side's private keys. */
import { existsSync } from 'node:fs'
import { privateKeyFile } from './create.ts'
import { PRIVATE_MODE, replaceFile } from './files.ts'
import type { HomePaths } from './layout.ts'
import { type AskPassphrase, readOwn, readPrevious, unlock } from './own.ts'

/** Asked once the old passphrase was right; undefined is none. */
export type AskNewPassphrase = () => string | undefined | Promise<string | undefined>

/** Writes the private key anew, and during a rotation the one before it too. @throws LocalError KEY_PASSPHRASE */
export async function changePassphrase(paths: HomePaths, ask: AskPassphrase, askNew: AskNewPassphrase): Promise<void> {
  const own = readOwn(paths)
  const previous = existsSync(paths.previous) ? readPrevious(paths, own) : undefined
  const keys = [own, ...(previous ? [previous] : [])]
  const unlocked = []
  for (const key of keys) unlocked.push({ ...key, privateKey: await unlock(key, ask) })
  const passphrase = await askNew()
  for (const { path, about, privateKey } of unlocked) {
    replaceFile(path, await privateKeyFile(privateKey, about, passphrase), PRIVATE_MODE)
  }
}
