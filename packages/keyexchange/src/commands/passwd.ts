/** `keys passwd`: another passphrase, or none, for the private key. */
import { type Command, Option } from 'commander'
import { CliError } from '../cli/exit.ts'
import { askSecret, readSecret } from '../cli/secret.ts'
import { changePassphrase } from '../home/passphrase.ts'
import { asOption, type Context, contextOf, type KeysOptions, pathsOf, roleOf } from './context.ts'

interface PasswdOptions extends KeysOptions {
  readonly newPassphraseFile?: string
  readonly remove?: boolean
}

export function passwd(program: Command): void {
  program
    .command('passwd')
    .description('change the passphrase of the private key')
    .addOption(
      new Option('--new-passphrase-file <file>', 'read the new passphrase from a file instead of asking').conflicts('remove'),
    )
    .option('--remove', 'leave the private key without a passphrase')
    .addOption(asOption())
    .action(async (_: unknown, command: Command) => {
      const context = contextOf<PasswdOptions>(command)
      const paths = pathsOf(context, roleOf(context))
      await changePassphrase(paths, context.ask, () => newPassphrase(context))
      const has = context.options.remove ? 'no passphrase' : 'a new passphrase'
      context.output.result({ home: paths.home, passphrase: !context.options.remove }, [
        `the private key in ${paths.home} has ${has}`,
      ])
    })
}

const HINT = 'give it by --new-passphrase-file'

async function newPassphrase({ options, output }: Context<PasswdOptions>): Promise<string | undefined> {
  if (options.remove) return undefined
  if (options.newPassphraseFile !== undefined) return readSecret(options.newPassphraseFile, 'new passphrase')
  const passphrase = await askSecret(output, 'New passphrase', HINT)
  if (passphrase === '')
    throw new CliError('USAGE', 'an empty passphrase protects nothing; nothing was changed', 'use --remove to have none')
  if (passphrase === (await askSecret(output, 'The same once more', HINT))) return passphrase
  throw new CliError('USAGE', 'the two differ; nothing was changed', 'run it again')
}
