/** `inbox export`: the evidence of messages, for anyone to check with OpenSSL alone. */
import type { Role } from '@countersign/keyexchange'
import { CliError, parseIdRange } from '@countersign/keyexchange/cli'
import { type Command, Option } from 'commander'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { senderOf } from '../../letter.ts'
import { keyOf, messageOf, withInbox } from './context.ts'

interface ExportOptions {
  readonly from?: string
}

export function exportMessages(inbox: Command, role: Role): void {
  inbox
    .command('export')
    .description('write the evidence of a message into a new folder, or of several into a folder each inside it')
    .argument('<ids>', 'an id, as `inbox list` shows it, or a range such as 7-12', parseIdRange)
    .argument('<dir>', 'the folder; it must not exist yet')
    .addOption(new Option('--from <peer>', "of a range, only this peer's"))
    .action((range: { first: number; last: number }, folder: string, _: unknown, command: Command) =>
      withInbox<ExportOptions>(role, command, async ({ home, journal, options, output }) => {
        const { first, last } = range
        if (existsSync(folder)) {
          throw new CliError('EXISTS', `${folder} exists; nothing was written`, 'name a folder that does not exist yet')
        }
        const { exportEvidence, receivedEvidence } = await import('@countersign/store')
        const keys = { keyOf: keyOf(home) }
        if (first === last) {
          await exportEvidence(folder, receivedEvidence(await messageOf(journal, first)), keys)
          return output.result({ id: first, folder }, [`message ${first}: ${folder}`])
        }
        for await (const message of journal.messages({ after: first - 1 })) {
          if (message.serial > last) break
          if (options.from !== undefined && senderOf(message, home).name !== options.from) continue
          const inner = join(folder, String(message.serial))
          await exportEvidence(inner, receivedEvidence(message), keys)
          output.result({ id: message.serial, folder: inner }, [`message ${message.serial}: ${inner}`])
        }
      }),
    )
}
