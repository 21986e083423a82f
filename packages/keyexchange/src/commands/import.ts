/** `keys import`: trusts a public key that came on another way, once its fingerprint has been compared. */
import type { PublicKey } from '@countersign/core'
import { equal } from '@countersign/core/protocol'
import type { Command } from 'commander'
import { readFileSync } from 'node:fs'
import { CliError } from '../cli/exit.ts'
import type { Output } from '../cli/output.ts'
import { answered, requireInteractive } from '../cli/secret.ts'
import { readAbout } from '../home/about.ts'
import { readAnyPublicKey } from '../home/foreign.ts'
import { isName } from '../home/layout.ts'
import { checkPin, pin } from '../home/pin.ts'
import { asOption, contextOf, homeOf, keyRecord, type KeysOptions } from './context.ts'

interface ImportOptions extends KeysOptions {
  readonly peer?: string
  readonly expect?: string
  readonly address?: string
}

export function importKey(program: Command): void {
  program
    .command('import')
    .description('trust a public key, after comparing its fingerprint')
    .argument('<file>', 'in PEM or as a line of OpenSSH; - reads standard input')
    .addOption(asOption())
    .option('--peer <name>', 'what the peer is called here (default: what the file says)')
    .option('--expect <fingerprint>', 'the fingerprint that its owner told you')
    .option('--address <host:port>', "of the peer's server")
    .action(async (path: string, _: unknown, command: Command) => {
      const context = contextOf<ImportOptions>(command)
      const { options, output } = context
      const home = homeOf(context)
      const file = readFileSync(path === '-' ? 0 : path, 'utf8')
      const publicKey = readAnyPublicKey(file)
      const name = options.peer ?? nameIn(file)
      checkPin(home, name, publicKey)
      requireFingerprint(publicKey, options.expect ?? (await askFingerprint(output)))
      const { name: pinned, existed } = pin(home, name, publicKey, 'imported, fingerprint confirmed', options.address)
      const record = keyRecord(publicKey)
      output.result({ peer: pinned, existed, ...record }, [
        existed ? `${pinned} was trusted already; nothing was changed` : `${pinned} is trusted now, by its ${record.type} key`,
        `  ${record.fingerprint}`,
      ])
    })
}

function nameIn(file: string): string {
  const { name } = readAbout(file)
  if (name !== undefined && isName(name)) return name
  throw new CliError('USAGE', 'the file does not say whose key it is', 'name the peer with --peer')
}

async function askFingerprint(output: Output): Promise<string> {
  const question = 'The fingerprint that the owner of the key told you'
  requireInteractive(output, question, 'give it with --expect')
  const { text } = await import('@clack/prompts')
  return answered(await text({ message: question, placeholder: 'sha256//...', output: process.stderr }))
}

/** Compares by machine. Takes the base64 form and the hexadecimal one that `sha256sum` prints. */
function requireFingerprint(publicKey: PublicKey, expected: string): void {
  const text = expected.trim()
  const digest = text.startsWith('sha256//') ? Buffer.from(text.slice(8), 'base64') : Buffer.from(text.replaceAll(':', ''), 'hex')
  if (equal(digest, publicKey.id)) return
  const message = `the key's fingerprint is ${publicKey.fingerprint}, not the expected one; nothing was changed`
  throw new CliError(
    'CONFLICT',
    message,
    'ask its owner for the fingerprint again; if it still differs, the file is not their key',
  )
}
