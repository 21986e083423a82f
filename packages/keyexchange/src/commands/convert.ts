/** `keys convert`: keys that were made by other tools. */
import { publicKeyPem } from '@countersign/core'
import type { Command } from 'commander'
import { readFileSync } from 'node:fs'
import { passphraseSource } from '../cli/program.ts'
import { readSecret } from '../cli/secret.ts'
import { createHome } from '../home/create.ts'
import { readAnyPrivateKey, readAnyPublicKey } from '../home/foreign.ts'
import { requirePrivate } from '../home/permissions.ts'
import { asOption, type Context, contextOf, keyRecord, type KeysOptions, pathsOf, roleOf } from './context.ts'

interface ConvertOptions extends KeysOptions {
  readonly name?: string
}

export function convert(program: Command): void {
  program
    .command('convert')
    .description("make an OpenSSH or PEM private key this home's own, or print an OpenSSH public key in PEM")
    .argument('<file>', 'private or public')
    .option('--name <name>', 'what this side calls itself to peers (default: the name of the computer)')
    .addOption(asOption())
    .action(async (path: string, _: unknown, command: Command) => {
      const context = contextOf<ConvertOptions>(command)
      const file = readFileSync(path, 'utf8')
      if (file.includes('PRIVATE KEY-----')) await adopt(context, path, file)
      else printPublic(context, file)
    })
}

function printPublic({ output }: Context<ConvertOptions>, file: string): void {
  const publicKey = readAnyPublicKey(file)
  const pem = publicKeyPem(publicKey)
  output.result({ ...keyRecord(publicKey), pem }, [pem.trimEnd()])
}

async function adopt(context: Context<ConvertOptions>, path: string, file: string): Promise<void> {
  requirePrivate(path)
  let passphrase = optionalPassphrase(context)
  const privateKey = await readAnyPrivateKey(file, path, async () => (passphrase ??= await context.ask(path)))
  const { name } = context.options
  const paths = pathsOf(context, roleOf(context))
  await createHome(paths, {
    privateKey,
    origin: 'converted from another format',
    ...(passphrase !== undefined && { passphrase }),
    ...(name !== undefined && { name }),
  })
  const record = keyRecord(privateKey.publicKey)
  const under = passphrase === undefined ? '' : ', under its passphrase'
  context.output.result({ home: paths.home, ...record }, [
    `made ${paths.home} of that ${record.type} key${under}`,
    `  ${record.fingerprint}`,
  ])
}

function optionalPassphrase({ options }: Context<ConvertOptions>): string | undefined {
  const source = passphraseSource(options)
  return source === undefined ? undefined : readSecret(source, 'passphrase')
}
