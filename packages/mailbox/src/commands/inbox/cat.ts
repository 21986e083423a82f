/** `inbox cat`: the body of one message, byte for byte. */
import type { Role } from '@countersign/keyexchange'
import { CliError, parseId } from '@countersign/keyexchange/cli'
import type { Command } from 'commander'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { messageOf, withInbox } from './context.ts'

export function cat(inbox: Command, role: Role): void {
  inbox
    .command('cat')
    .description('write the body of one message to standard output, byte for byte')
    .argument('<id>', 'as `inbox list` shows it', parseId)
    .action((id: number, _: unknown, command: Command) =>
      withInbox(role, command, async ({ journal }) => {
        const content = await (await messageOf(journal, id)).content()
        if (content === undefined) {
          throw new CliError('MISSING', `the body of message ${id} was pruned`, 'its evidence is there: `inbox export`')
        }
        await pipeline(Readable.from(content.stream()), process.stdout, { end: false })
      }),
    )
}
