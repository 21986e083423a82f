/** `countersign-server` without words: serves every client that its home trusts, until it is told to stop. */
import { memoryJournal } from '@countersign/core'
import { homePaths, openHome, resolveRoot } from '@countersign/keyexchange'
import { type CommonOptions, noCommand, passphraseAsker } from '@countersign/keyexchange/cli'
import { arrived, printLetter } from '@countersign/mailbox'
import type { Command } from 'commander'
import { levelOf, Log, LoggedOutput } from '../log.ts'
import { POLICY_HELP, policyOf } from '../policy.ts'
import type { Setup } from '../serve-inbox.ts'
import { serveClients } from '../serving.ts'
import { Configuration } from '../settings/configuration.ts'
import { settingFlags } from '../settings/flags.ts'
import { sourcesOf } from '../settings/sources.ts'
import { SETTING_NAMES } from '../settings/table.ts'

export function serve(program: Command, interrupted: AbortSignal): void {
  const command = program
    .command('serve', { isDefault: true })
    .description('serve every client that this home trusts (what the program does where no command is said)')
    .allowExcessArguments()
    .action(async (_: unknown, command: Command) => {
      const [unknown] = command.args
      if (unknown !== undefined) throw noCommand(program, unknown)
      const setup = await setUp(command)
      await (setup.configuration.settings.ephemeral ? serveEphemeral : serveDurable)(setup, interrupted)
    })
  settingFlags(command, SETTING_NAMES).addHelpText('after', POLICY_HELP)
}

async function setUp(command: Command): Promise<Setup> {
  const options = command.optsWithGlobals<CommonOptions>()
  const { json = false, quiet = false, input, root } = options
  const configuration = new Configuration(() => sourcesOf(command, homePaths(resolveRoot(root), 'server').home))
  const { settings } = configuration
  const log = await Log.open(settings.logFormat, levelOf(settings, { quiet }))
  const output = new LoggedOutput({ json, quiet, input }, log)
  const home = openHome({ root, role: 'server', passphrase: passphraseAsker(options, output) })
  return { home, configuration, output, log }
}

/** Prints messages as they come, and keeps none. */
async function serveEphemeral(setup: Setup, interrupted: AbortSignal): Promise<void> {
  const { configuration, output } = setup
  const policy = policyOf((peer) => configuration.rulesOf(peer), { now: () => performance.now() })
  await serveClients(
    {
      ...setup,
      journal: memoryJournal(),
      policy,
      beside: [],
      async take(session) {
        for await (const message of session) await printLetter(output, arrived(message))
      },
    },
    interrupted,
  )
}

/** Stores messages; what is printed, and what hooks are told, is read from the journal. */
async function serveDurable(setup: Setup, interrupted: AbortSignal): Promise<void> {
  const { serveInbox } = await import('../serve-inbox.ts')
  await serveInbox(setup, interrupted)
}
