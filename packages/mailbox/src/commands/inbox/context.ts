/** What every command of `inbox` starts from. */
import type { PublicKey } from '@countersign/core'
import { type Home, openHome, type Role } from '@countersign/keyexchange'
import { CliError, type CommonOptions, type Output, outputOf } from '@countersign/keyexchange/cli'
import type { StoredJournal, StoredMessage } from '@countersign/store'
import type { Command } from 'commander'
import { openExistingInbox } from '../../inbox.ts'

export interface InboxContext<O> {
  readonly home: Home
  readonly journal: StoredJournal
  readonly options: O & CommonOptions
  readonly output: Output
}

/** Opens home and journal for a command, and closes the journal behind it. */
export async function withInbox<O>(
  role: Role,
  command: Command,
  work: (context: InboxContext<O>) => Promise<void>,
): Promise<void> {
  const options = command.optsWithGlobals<O & CommonOptions>()
  const home = openHome({ root: options.root, role })
  await using journal = await openExistingInbox(home)
  await work({ home, journal, options, output: outputOf(options) })
}

/** @throws CliError MISSING */
export async function messageOf(journal: StoredJournal, id: number): Promise<StoredMessage> {
  const message = await journal.message(id)
  if (message) return message
  throw new CliError('MISSING', `there is no message ${id} in the journal`, '`inbox list` shows their ids')
}

/** The public key of anyone whose signature may be in the journal. */
export function keyOf(home: Home): (keyId: Uint8Array) => PublicKey | undefined {
  return (keyId) => home.evidence(keyId)?.publicKey
}
