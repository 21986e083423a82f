/** `countersign-client explain`: a page that shows one session byte by byte. */
import type { Algorithm } from '@countersign/core'
import { CliError, type CommonOptions, outputOf, printable } from '@countersign/keyexchange/cli'
import { type Command, Option } from 'commander'
import { existsSync, writeFileSync } from 'node:fs'

interface ExplainOptions extends CommonOptions {
  readonly clientType: Algorithm
  readonly serverType: Algorithm
  readonly message: string
}

/** Bytes; the message then fits into one record with its signatures. */
const LONGEST = 4096

export function explain(program: Command): void {
  program
    .command('explain')
    .description('record a session between two fresh keys in this process, and make a page that shows it byte by byte')
    .argument('[file]', 'the page to write', 'countersign-session.html')
    .addOption(typeOption('client'))
    .addOption(typeOption('server'))
    .option('--message <text>', 'what the client sends', 'Meet me at noon.')
    .action(async (file: string, _: unknown, command: Command) => {
      const { clientType: client, serverType: server, message: text, ...options } = command.optsWithGlobals<ExplainOptions>()
      const output = outputOf(options)
      if (Buffer.byteLength(text) > LONGEST) {
        throw new CliError('USAGE', `the message is longer than ${LONGEST} bytes`, 'the page shows one short message: shorten it')
      }
      // Said before the work, not after it.
      if (existsSync(file)) {
        throw new CliError('EXISTS', `${printable(file)} exists and was left as it is`, 'choose another name, or move it away')
      }
      output.note('recording a session, and flipping every byte of it: that takes some seconds')
      const { explainSession } = await import('../explain/explain.ts')
      const { page, frames, bytes, flips } = await explainSession({ client, server, text })
      writeFileSync(file, page, { flag: 'wx' })
      output.result({ file, frames, bytes, flips: flips.count }, [
        `${printable(file)}: ${frames} frames of ${bytes} bytes, ${flips.count} flips tried; open it in a browser`,
      ])
    })
}

function typeOption(role: 'client' | 'server'): Option {
  const option = new Option(`--${role}-type <type>`, `the type of the ${role}'s identity`)
  return option.choices(['ed25519', 'rsa', 'ml-dsa-65'] satisfies Algorithm[]).default('ed25519')
}
