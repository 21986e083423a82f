/** `countersign-client receive`: what servers send. */
import { openHome } from '@countersign/keyexchange'
import { type CommonOptions, narrator, outputOf, parsedBy, parseDuration, passphraseAsker } from '@countersign/keyexchange/cli'
import { hookOptions } from '@countersign/mailbox'
import { type Command, Option } from 'commander'
import { type AddressOptions, addressOptions, stayOptions } from '../options.ts'
import type { ReceivingOptions } from '../receiving.ts'

interface ReceiveOptions extends CommonOptions, AddressOptions, ReceivingOptions {}

export function receive(program: Command, interrupted: AbortSignal): void {
  const command = program
    .command('receive')
    .description('receive what servers send, store it and countersign it; it is then in the inbox')
    .argument('[server...]', 'from whom; one need not be named where this home trusts no other')
    .option('--follow', 'stay, and receive what comes later')
    .addOption(
      new Option('--wait <time>', 'without --follow: end when nothing has come for so long')
        .argParser(parsedBy(parseDuration, 'It is a number and d, h, m or s.'))
        .default(2000, '2s'),
    )
    .option('--in-reply-to <id>', 'print only answers to the message with this id')
    .addOption(
      new Option('--limit <n>', 'end when so many messages were printed').argParser(
        parsedBy((text) => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined), 'It is a number from 1.'),
      ),
    )
    .action(async (names: string[], _: unknown, command: Command) => {
      const given = command.optsWithGlobals<ReceiveOptions>()
      // Whoever stays goes on trying, unless told otherwise.
      const stays = given.follow && command.getOptionValueSource('retry') === 'default'
      const options = stays ? { ...given, retry: Infinity } : given
      const output = outputOf(options)
      const home = openHome({ root: options.root, role: 'client', passphrase: passphraseAsker(options, output) })
      const peers = names.length === 0 ? [home.peer()] : names.map((name) => home.peer(name))
      const trace = options.trace ? narrator((line) => output.note(line)) : () => {}
      const { receive } = await import('../receiving.ts')
      await receive(peers, { home, output, interrupted, trace }, options)
    })
  hookOptions(stayOptions(addressOptions(command), '0s', '0s; forever with --follow'))
}
