/** `hooks`: the messages that hooks could not hand on. */
import { type Home, openHome, type Role } from '@countersign/keyexchange'
import { CliError, type CommonOptions, type Output, outputOf, parseId, printable } from '@countersign/keyexchange/cli'
import type { Command } from 'commander'
import { hookOptions, type HookOptions } from '../hooks/options.ts'
import { openExistingInbox } from '../inbox.ts'

export function hooks(program: Command, role: Role): void {
  const group = program.command('hooks').description('the messages that hooks could not hand on')
  group
    .command('list', { isDefault: true })
    .description('list what was set aside: the hook, the message, when, and why')
    .action(async (_: unknown, command: Command) => {
      const { home, output } = contextOf(role, command)
      const { openLedger } = await import('../hooks/start.ts')
      using ledger = openLedger(home)
      for (const { hook, id, attempts, why, at } of ledger.aside()) {
        const when = new Date(at).toISOString()
        output.result({ hook, id, attempts, why, at: when }, [
          `${hook}  message ${id}  ${when}  ${attempts} tries: ${printable(why)}`,
        ])
      }
    })
  const retry = group
    .command('retry')
    .description('run a hook again for what was set aside')
    .argument('[id...]', 'these messages; all that were set aside where none is named', parseIds)
    .action(async (ids: readonly number[] | undefined, _: unknown, command: Command) => {
      const { home, output, options } = contextOf(role, command)
      await runAgain(home, new Set(ids), options, output)
    })
  hookOptions(retry)
}

function contextOf(role: Role, command: Command): { home: Home; output: Output; options: HookOptions & CommonOptions } {
  const options = command.optsWithGlobals<HookOptions & CommonOptions>()
  return { home: openHome({ root: options.root, role }), output: outputOf(options), options }
}

function parseIds(text: string, before: readonly number[] = []): number[] {
  return [...before, parseId(text)]
}

async function runAgain(home: Home, ids: ReadonlySet<number>, options: HookOptions, output: Output): Promise<void> {
  const { hooksOf, openLedger, postOf } = await import('../hooks/start.ts')
  const { reasonOf } = await import('../hooks/shift.ts')
  const named = hooksOf(options)
  if (named.length === 0) throw new CliError('USAGE', 'it was not said which hook to run', 'give --exec PROGRAM or --webhook URL')
  using ledger = openLedger(home)
  await using journal = await openExistingInbox(home)
  const failed: number[] = []
  for (const aside of ledger.aside().filter(({ id }) => ids.size === 0 || ids.has(id))) {
    const hook = named.find(({ name }) => name === aside.hook)
    if (hook === undefined) continue
    try {
      const post = await postOf(journal, home, aside.id)
      if (post !== undefined) await hook.deliver(post, AbortSignal.timeout(options.hookTimeout * 1000))
      ledger.forget(aside)
      output.result({ hook: hook.name, id: aside.id, done: true }, [`${hook.name}  message ${aside.id}  done`])
    } catch (error) {
      const why = reasonOf(error)
      ledger.setAside({ ...aside, attempts: aside.attempts + 1, why, at: Date.now() })
      output.result({ hook: hook.name, id: aside.id, done: false, why }, [`${hook.name}  message ${aside.id}  ${printable(why)}`])
      failed.push(aside.id)
    }
  }
  if (failed.length > 0) {
    throw new CliError('REFUSED', `the hook failed again for ${failed.length} messages, which stay set aside`, 'see `hooks list`')
  }
}
