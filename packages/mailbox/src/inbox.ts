/** The inbox: the journal in a home's folder of state. */
import type { Home } from '@countersign/keyexchange'
import { CliError } from '@countersign/keyexchange/cli'
import type { JournalOptions, StoredJournal } from '@countersign/store'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where the journal is, or will be; the folder is made. */
export function journalFile(home: Home): string {
  mkdirSync(home.stateFolder, { recursive: true, mode: 0o700 })
  return join(home.stateFolder, 'journal.db')
}

/** Opens the journal, and makes it where there is none yet. @throws LocalError STORAGE, BACKUP */
export async function openInbox(home: Home, options?: JournalOptions): Promise<StoredJournal> {
  const { openJournal } = await import('@countersign/store')
  return openJournal(journalFile(home), options)
}

/** Opens the journal that there is. @throws CliError MISSING */
export function openExistingInbox(home: Home): Promise<StoredJournal> {
  const file = journalFile(home)
  if (existsSync(file)) return openInbox(home)
  throw new CliError(
    'MISSING',
    `there is no journal at ${file}`,
    'it is made when messages are first received; --root says which one',
  )
}
