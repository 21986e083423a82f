/** `inbox prune`: drops bodies; statements, signatures, receipts and chains stay. */
import type { Role } from '@countersign/keyexchange'
import { CliError, formatSize, parsedBy, parseDuration, parseSize } from '@countersign/keyexchange/cli'
import { type Command, Option } from 'commander'
import { withInbox } from './context.ts'

interface PruneOptions {
  readonly olderThan?: number
  readonly keepBytes?: number
}

export function prune(inbox: Command, role: Role): void {
  inbox
    .command('prune')
    .description('drop the bodies of old messages; what proves them stays')
    .addOption(
      new Option('--older-than <time>', 'those that came before, such as 30d').argParser(
        parsedBy(parseDuration, 'It is a number and d, h, m or s.'),
      ),
    )
    .addOption(
      new Option('--keep-bytes <size>', 'the oldest, until no more is left, such as 10G').argParser(
        parsedBy(parseSize, 'It is a number and K, M, G or T.'),
      ),
    )
    .action((_: unknown, command: Command) =>
      withInbox<PruneOptions>(role, command, async ({ journal, options: { olderThan, keepBytes }, output }) => {
        if (olderThan === undefined && keepBytes === undefined) {
          throw new CliError(
            'USAGE',
            'it was not said what to drop; nothing was changed',
            'give --older-than, --keep-bytes or both',
          )
        }
        const pruned = await journal.prune({
          ...(olderThan !== undefined && { before: new Date(Date.now() - olderThan) }),
          ...(keepBytes !== undefined && { mostBytes: keepBytes }),
        })
        output.result(pruned, [`dropped the bodies of ${pruned.messages} messages, ${formatSize(pruned.bytes)}`])
      }),
    )
}
