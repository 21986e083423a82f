/** `keys init`: a home and its key. */
import type { Algorithm, PrivateKey, RsaBits } from '@countersign/core'
import { type Command, Option } from 'commander'
import { CliError } from '../cli/exit.ts'
import type { Role } from '../home/layout.ts'
import { parsedBy } from '../cli/options.ts'
import { asOption, type Context, contextOf, keyRecord, type KeysOptions, newHome, pathsOf, roleOf } from './context.ts'

interface InitOptions extends KeysOptions {
  readonly type: Algorithm
  readonly bits?: RsaBits
  readonly name?: string
}

export function init(program: Command): void {
  program
    .command('init')
    .description('make a home and its key')
    .addOption(asOption())
    .addOption(new Option('--type <type>', 'of the key').choices(['ed25519', 'rsa', 'ml-dsa-65']).default('ed25519'))
    .addOption(
      new Option('--bits <bits>', 'of an RSA key: 2048, 3072 (default) or 4096').argParser(
        parsedBy(parseBits, '2048, 3072 or 4096'),
      ),
    )
    .option('--name <name>', 'what this side calls itself to peers (default: the name of the computer)')
    .action(async (_: unknown, command: Command) => {
      const context = contextOf<InitOptions>(command)
      const { type, bits, name } = context.options
      if (bits !== undefined && type !== 'rsa')
        throw new CliError('USAGE', `--bits says nothing of ${type}`, 'leave it out, or add --type rsa')
      const role = roleOf(context)
      const privateKey = await newHome(context, pathsOf(context, role), {
        algorithm: type,
        ...(bits && { bits }),
        ...(name !== undefined && { name }),
      })
      reportHome(context, role, privateKey)
    })
}

function parseBits(text: string): RsaBits | undefined {
  return ([2048, 3072, 4096] as const).find((bits) => String(bits) === text)
}

function reportHome(context: Context<KeysOptions>, role: Role, { publicKey }: PrivateKey): void {
  const { home } = pathsOf(context, role)
  const record = keyRecord(publicKey)
  context.output.result({ role, home, ...record }, [
    `made ${home}, whose key is ${record.type}`,
    `  ${record.fingerprint}`,
    `  ${record.words}`,
  ])
}
