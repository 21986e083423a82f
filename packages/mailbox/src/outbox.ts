/** The outbox in a home's folder of state. */
import type { Home } from '@countersign/keyexchange'
import { CliError, type Output } from '@countersign/keyexchange/cli'
import { openOutbox, type StoredOutbox } from '@countersign/store'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Lock } from './lock.ts'
import { tellOfOutbox } from './notices.ts'

function outboxFile(home: Home): string {
  return join(home.stateFolder, 'outbox.db')
}

/**
 * Opens the outbox, and makes it where there is none yet.
 *
 * @param thread false for what is done with after a message, or a look
 * @throws LocalError STORAGE
 */
export async function openOwnOutbox(home: Home, output: Output, thread = true): Promise<StoredOutbox> {
  mkdirSync(home.stateFolder, { recursive: true, mode: 0o700 })
  // During a rotation a server may not know the new key yet; whoever accepts it takes what the old one has signed, too.
  const identity = (await home.identities()).at(-1)!
  const file = outboxFile(home)
  const making = await Lock.take(`${file}.lock`)
  try {
    return await openOutbox(file, { identity, thread, onNotice: (notice) => tellOfOutbox(notice, output) })
  } finally {
    making[Symbol.dispose]()
  }
}

/** Opens the outbox that there is. @throws CliError MISSING */
export function openExistingOutbox(home: Home, output: Output): Promise<StoredOutbox> {
  const file = outboxFile(home)
  if (existsSync(file)) return openOwnOutbox(home, output, false)
  throw new CliError('MISSING', `there is no outbox at ${file}`, 'it is made when something is first sent; --root says which one')
}
