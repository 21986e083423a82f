/** `countersign-server` without words: serves every client that its home trusts, until it is told to stop. */
import { memoryJournal } from '@countersign/core'
import { DEFAULT_PORT, type Home, openHome } from '@countersign/keyexchange'
import {
  CliError,
  type CommonOptions,
  type Output,
  outputOf,
  passphraseAsker,
  portOption,
  timeoutOption,
  traceOption,
} from '@countersign/keyexchange/cli'
import { arrived, type HookOptions, hookOptions, printLetter } from '@countersign/mailbox'
import type { Command } from 'commander'
import { serveClients, type ServingOptions } from '../serving.ts'

interface ServeOptions extends CommonOptions, ServingOptions, HookOptions {
  readonly policy?: string
  readonly ephemeral?: boolean
}

export function serve(program: Command, interrupted: AbortSignal): void {
  const command = program
    .command('serve', { isDefault: true })
    .description('serve every client that this home trusts (what the program does where no command is said)')
    .option('--host <host>', 'the address to listen on; every one of this machine where it is not said')
    .addOption(portOption('the port to listen on; 0 lets the system choose', 0).default(DEFAULT_PORT))
    .option('--policy <file>', 'rules for what is taken, in JSON')
    .option('--ephemeral', 'store nothing: receipts then say received, not stored')
    .addOption(timeoutOption())
    .addOption(traceOption())
    .allowExcessArguments()
    .action(async (_: unknown, command: Command) => {
      const [unknown] = command.args
      if (unknown !== undefined) throw new CliError('USAGE', `there is no command ${unknown}`, 'see --help')
      const options = command.optsWithGlobals<ServeOptions>()
      const output = outputOf(options)
      const home = openHome({ root: options.root, role: 'server', passphrase: passphraseAsker(options, output) })
      await (options.ephemeral ? serveEphemeral : serveDurable)(home, options, output, interrupted)
    })
  hookOptions(command)
}

/** Prints messages as they come, and keeps none. */
async function serveEphemeral(home: Home, options: ServeOptions, output: Output, interrupted: AbortSignal): Promise<void> {
  if (options.exec !== undefined || options.webhook !== undefined) {
    throw new CliError('USAGE', 'hooks need the journal, which --ephemeral does without', 'leave --ephemeral out')
  }
  const serving = { home, options, output, journal: memoryJournal(), beside: [] }
  await serveClients(
    {
      ...serving,
      async take(session) {
        for await (const message of session) await printLetter(output, arrived(message))
      },
    },
    interrupted,
  )
}

/** Stores messages; what is printed, and what hooks are told, is read from the journal. */
async function serveDurable(home: Home, options: ServeOptions, output: Output, interrupted: AbortSignal): Promise<void> {
  const { serveInbox } = await import('../serve-inbox.ts')
  await serveInbox(home, options, output, interrupted)
}
