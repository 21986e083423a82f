/** `inbox backup` and `inbox restore`: the journal copied while a server runs, and brought back with an id of its own. */
import { openHome, type Role } from '@countersign/keyexchange'
import { CliError, type CommonOptions, outputOf } from '@countersign/keyexchange/cli'
import type { Command } from 'commander'
import { existsSync } from 'node:fs'
import { journalFile } from '../../inbox.ts'
import { withInbox } from './context.ts'

export function backup(inbox: Command, role: Role): void {
  inbox
    .command('backup')
    .description('copy the journal as it stands, also while a server runs: to FILE and FILE-items')
    .argument('<file>', 'it must not exist yet')
    .action((file: string, _: unknown, command: Command) =>
      withInbox(role, command, async ({ journal, output }) => {
        if (existsSync(file)) throw new CliError('EXISTS', `${file} exists; nothing was written`, 'name another file')
        await journal.backup(file)
        output.result({ file }, [`the journal was copied to ${file}`])
      }),
    )
}

export function restore(inbox: Command, role: Role): void {
  inbox
    .command('restore')
    .description('bring back a backup, with a new journal id: clients send what it lacks again')
    .argument('<file>', 'the backup; FILE-items stands beside it')
    .action(async (file: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>()
      const home = openHome({ root: options.root, role })
      if (!existsSync(file)) throw new CliError('MISSING', `there is no backup at ${file}`, 'check the path')
      const target = journalFile(home)
      if (existsSync(target)) {
        const hint = `stop what runs over it, and move ${target}, its -wal and -shm and ${target}-items away`
        throw new CliError('EXISTS', `there is a journal at ${target}; nothing was changed`, hint)
      }
      const { restoreJournal } = await import('@countersign/store')
      await restoreJournal(file, target)
      outputOf(options).result({ file: target }, [`the journal was restored to ${target}`])
    })
}
