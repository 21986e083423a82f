/** `countersign-server doctor`: says in order what works and what does not. */
import { homePaths, resolveRoot } from '@countersign/keyexchange'
import {
  type CommonOptions,
  describeFailure,
  type Failure,
  outputOf,
  passphraseAsker,
  printCheck,
  unsoundness,
} from '@countersign/keyexchange/cli'
import type { Command } from 'commander'
import { checksOf } from '../doctor.ts'
import { settingFlags } from '../settings/flags.ts'
import { type Sources } from '../settings/read.ts'
import { sourcesOf } from '../settings/sources.ts'
import { SETTING_NAMES } from '../settings/table.ts'

export function doctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('look over all that this server needs, in order: settings, keys, port, disk, journal, clock and hooks')
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>()
      const output = outputOf(options)
      const { root } = options
      const sources = (): Sources => sourcesOf(command, homePaths(resolveRoot(root), 'server').home)
      const failures: Failure[] = []
      for (const { name, look } of checksOf({ root, sources, ask: passphraseAsker(options, output) })) {
        try {
          printCheck(output, { name, what: await look() })
        } catch (error) {
          const failure = describeFailure(error)
          failures.push(failure)
          printCheck(output, { name, what: failure.message, error })
        }
      }
      if (failures.length > 0) throw unsoundness(failures)
    })
  settingFlags(command, SETTING_NAMES)
}
