/** `countersign-client watch`: each file that comes into a folder is sent. */
import { openHome } from '@countersign/keyexchange'
import { CliError, type CommonOptions, narrator, outputOf, passphraseAsker } from '@countersign/keyexchange/cli'
import { type Command, Option } from 'commander'
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type PeerOptions, serverOptions } from '../options.ts'
import type { Then } from '../watch/claims.ts'

interface WatchOptions extends CommonOptions, PeerOptions {
  readonly then: Then
}

const MORE = `
Put files there by renaming them: write NAME.part, then rename it to NAME. Names that end in .part or .tmp, hidden
files and subfolders are left alone. The oldest file is sent first. A file that lies in sent/ stands in the outbox:
its message will arrive, once, whatever happens to this process, the network or the server. Each message has an id,
which an answer can name.`

export function watch(program: Command, interrupted: AbortSignal): void {
  const command = program
    .command('watch')
    .description('send each file that is renamed into a folder, or lies there already, as a message of its own, once')
    .argument('<dir>', 'the folder')
    .addOption(
      new Option('--then <what>', 'what becomes of a file once its message is in the outbox: keep moves it to DIR/sent')
        .choices(['keep', 'delete'])
        .default('keep'),
    )
    .addHelpText('after', MORE)
    .action(async (dir: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<WatchOptions>()
      const output = outputOf(options)
      const home = openHome({ root: options.root, role: 'client', passphrase: passphraseAsker(options, output) })
      const peer = home.peer(options.to)
      const folder = resolve(dir)
      if (!statSync(folder).isDirectory()) throw new CliError('USAGE', `${folder} is no folder`, 'name the folder to watch')
      const trace = options.trace ? narrator((line) => output.note(line)) : () => {}
      const journey = { home, peer, output, interrupted, trace }
      const [{ openOwnOutbox }, { openDurable }, { watchFolder }] = await Promise.all([
        import('@countersign/mailbox/stored'),
        import('../durable.ts'),
        import('../watch/watch.ts'),
      ])
      await using outbox = await openOwnOutbox(home, output)
      await using way = await openDurable(journey, outbox, options)
      output.note(`watching ${folder} for ${peer.name}`)
      await watchFolder(journey, folder, options.then, outbox, way)
    })
  serverOptions(command, 'forever')
}
