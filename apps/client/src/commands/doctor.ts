/** `countersign-client doctor`: what works and what does not on the way to a server. */
import { openHome } from '@countersign/keyexchange'
import {
  type Check,
  type CommonOptions,
  describeFailure,
  narrator,
  outputOf,
  passphraseAsker,
  printCheck,
  unsoundness,
} from '@countersign/keyexchange/cli'
import type { Command } from 'commander'
import { type AddressOptions, addressOptions } from '../options.ts'

export function doctor(program: Command, interrupted: AbortSignal): void {
  const command = program
    .command('doctor')
    .description('look over the way to a server, step by step: keys, address, port, who answers, disk, outbox and clock')
    .argument('[server]', 'which one; it need not be named where this home trusts no other')
    .action(async (name: string | undefined, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & AddressOptions>()
      const output = outputOf(options)
      const failed: unknown[] = []
      const tell = (check: Check): void => {
        printCheck(output, check)
        if (check.error !== undefined) failed.push(check.error)
      }
      const trace = options.trace ? narrator((line) => output.note(line)) : () => {}
      const { checkConnection } = await import('../checks.ts')
      try {
        const home = openHome({ root: options.root, role: 'client', passphrase: passphraseAsker(options, output) })
        for await (const check of checkConnection({ home, output, interrupted, trace }, name, options)) {
          interrupted.throwIfAborted()
          tell(check)
        }
      } catch (error) {
        interrupted.throwIfAborted()
        tell({ name: 'home', what: describeFailure(error).message, error })
      }
      if (failed.length > 0) throw unsoundness(failed.map(describeFailure))
    })
  addressOptions(command)
}
