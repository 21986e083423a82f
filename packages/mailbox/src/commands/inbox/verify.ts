/** `inbox verify`: the whole journal, every signature, number and link. */
import type { Role } from '@countersign/keyexchange'
import { CliError, printable, progressBar, style } from '@countersign/keyexchange/cli'
import type { Command } from 'commander'
import { equal } from '@countersign/core/protocol'
import { keyOf, withInbox } from './context.ts'

interface VerifyOptions {
  readonly expectReceipts?: string
}

export function verify(inbox: Command, role: Role): void {
  inbox
    .command('verify')
    .description('verify the whole journal: every signature, message, number and link of its chains')
    .option('--expect-receipts <dir>', 'hold it against receipts that clients hold: shows what was cut off its end')
    .action((_: unknown, command: Command) =>
      withInbox<VerifyOptions>(role, command, async ({ home, journal, options, output }) => {
        const { receiptsIn } = await import('@countersign/store')
        const { entries, messages } = await journal.size()
        const faults: object[] = []
        {
          using bar = await progressBar(output, 'verifying', entries, 'entries')
          const { expectReceipts } = options
          const checks = {
            keyOf: keyOf(home),
            ours: (keyId: Uint8Array) => home.keys.some(({ id }) => equal(id, keyId)),
            ...(expectReceipts !== undefined && { expect: receiptsIn(expectReceipts) }),
            onProgress: ({ entries }: { entries: number }) => bar.reach(entries),
          }
          for await (const { entry, part, what } of journal.verify(checks)) {
            faults.push({ entry, part, what })
            const where = entry === undefined ? 'the journal' : `entry ${entry}`
            output.result({ fault: { entry, part, what } }, [style('red', `${where}: ${part}: ${printable(what)}`)])
          }
        }
        if (faults.length > 0) {
          const hint = 'keep the file as it is; compare it with a backup, and with the receipts that clients hold'
          throw new CliError(
            'EVIDENCE',
            `the journal does not verify; faults found: ${faults.length}, in ${entries} entries`,
            hint,
          )
        }
        output.result({ verified: true, entries, messages }, [
          `${style('green', 'verified')}: ${entries} receipts and the ${messages} messages they are for`,
        ])
      }),
    )
}
