/** `inbox show`: one message whole, with the receipt that was given for it. */
import { hex } from '@countersign/core/protocol'
import type { Role } from '@countersign/keyexchange'
import { parseId, style } from '@countersign/keyexchange/cli'
import type { Command } from 'commander'
import { stored } from '../../letter.ts'
import { printLetter } from '../../print.ts'
import { messageOf, withInbox } from './context.ts'

export function show(inbox: Command, role: Role): void {
  inbox
    .command('show')
    .description('print one message, and the receipt that was given for it')
    .argument('<id>', 'as `inbox list` shows it', parseId)
    .action((id: number, _: unknown, command: Command) =>
      withInbox(role, command, async ({ home, journal, output }) => {
        const message = await messageOf(journal, id)
        const { index, digest, chain } = message.entry.receiptStatement
        await printLetter(output, await stored(message, home))
        const receipt = { index, digest: hex(digest), chain: hex(chain) }
        output.result({ event: 'receipt', id, ...receipt }, [
          style('dim', `    receipt ${index} of its outbox; digest ${receipt.digest}; chain ${receipt.chain}`),
        ])
      }),
    )
}
