/** The outbox in a home's folder of state. */
import type { Home } from '@countersign/keyexchange'
import { CliError, type Output } from '@countersign/keyexchange/cli'
import { openOutbox, type OutboxNotice, type StoredOutbox } from '@countersign/store'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Lock } from './lock.ts'

function outboxFile(home: Home): string {
  return join(home.stateFolder, 'outbox.db')
}

/** Opens the outbox, and makes it where there is none yet. @throws LocalError STORAGE */
export async function openOwnOutbox(home: Home, output: Output): Promise<StoredOutbox> {
  mkdirSync(home.stateFolder, { recursive: true, mode: 0o700 })
  // During a rotation a server may not know the new key yet; whoever accepts it takes what the old one has signed, too.
  const identity = (await home.identities()).at(-1)!
  const file = outboxFile(home)
  const making = await Lock.take(`${file}.lock`)
  try {
    return await openOutbox(file, { identity, onNotice: (notice) => tell(notice, output) })
  } finally {
    making[Symbol.dispose]()
  }
}

/** Opens the outbox that there is. @throws CliError MISSING */
export function openExistingOutbox(home: Home, output: Output): Promise<StoredOutbox> {
  const file = outboxFile(home)
  if (existsSync(file)) return openOwnOutbox(home, output)
  throw new CliError('MISSING', `there is no outbox at ${file}`, 'it is made when something is first sent; --root says which one')
}

const FOUND = {
  SERVER_REGRESSED: 'has lost messages that it had given receipts for: keep the receipts, they prove it',
  OUTBOX_BEHIND: 'holds later messages of this outbox than the outbox itself: it was restored from an older copy',
}

function tell({ code, to, resent, resigned, lost }: OutboxNotice, output: Output): void {
  output.note(`${to.name} ${FOUND[code]}`)
  const list = (serials: OutboxNotice['lost']): string =>
    serials.map(({ serial, count }) => (count === 1 ? serial : `${serial}-${serial + count - 1}`)).join(', ')
  if (resent.length > 0) output.note(`  sent again as they were: ${list(resent)}`)
  if (resigned.length > 0) output.note(`  signed anew, so that they may arrive twice: ${list(resigned)}`)
  if (lost.length > 0) output.note(`  lost there, and no longer held here: ${list(lost)}`)
}
