/** `keys doctor`: is everything in its place, and only there? */
import type { Command } from 'commander'
import { CliError } from '../cli/exit.ts'
import { describeFailure, unsoundness } from '../cli/failure.ts'
import { printable, style } from '../cli/text.ts'
import { examine, type Finding } from '../home/doctor.ts'
import { resolveRoot, ROLES } from '../home/layout.ts'
import { MODES_COUNT } from '../home/permissions.ts'
import { asOption, type Context, contextOf, type KeysOptions, pathsOf } from './context.ts'
import { existsSync } from 'node:fs'

interface DoctorOptions extends KeysOptions {
  readonly fix?: boolean
}

export function doctor(program: Command): void {
  program
    .command('doctor')
    .description('look the homes over')
    .option('--fix', 'put right what needs no decision of yours')
    .addOption(asOption())
    .action(async (_: unknown, command: Command) => {
      const context = contextOf<DoctorOptions>(command)
      const found = findings(context)
      const fixed = context.options.fix ? await fixAll(found) : []
      const left = context.options.fix ? findings(context) : found
      report(context, fixed, left)
    })
}

function findings(context: Context<KeysOptions>): Finding[] {
  const { as, root } = context.options
  const roles = (as === undefined ? ROLES : [as]).filter((role) => existsSync(pathsOf(context, role).home))
  if (roles.length > 0) return roles.flatMap((role) => examine(pathsOf(context, role), context.ask))
  throw new CliError('MISSING', `no home of keys at ${resolveRoot(root).homes}`, 'make one with `keys init`')
}

async function fixAll(found: readonly Finding[]): Promise<Finding[]> {
  const fixable = found.filter(({ fix }) => fix)
  for (const { fix } of fixable) await fix!()
  return fixable
}

function report({ output }: Context<KeysOptions>, fixed: readonly Finding[], left: readonly Finding[]): void {
  const records = [...fixed.map((finding) => record(finding, true)), ...left.map((finding) => record(finding, false))]
  const unsound = left.filter((finding) => finding.unsound).map(({ error }) => describeFailure(error))
  output.result({ sound: unsound.length === 0, findings: records }, [
    ...records.flatMap(linesOf),
    ...(unsound.length === 0 ? [style('green', 'every home is sound')] : []),
  ])
  if (!MODES_COUNT)
    output.note('modes of files mean little on this system: the protection of your user profile stands in for them')
  if (unsound.length > 0) throw unsoundness(unsound)
}

interface FindingRecord {
  readonly path: string
  readonly unsound: boolean
  readonly fixed: boolean
  readonly message: string
  readonly hint: string
}

function record({ path, unsound, error }: Finding, fixed: boolean): FindingRecord {
  const { message, hint } = describeFailure(error)
  return { path, unsound, fixed, message, hint }
}

function linesOf({ unsound, fixed, message, hint }: FindingRecord): string[] {
  if (fixed) return [`${style('green', 'fixed')}   ${printable(message)}`]
  return [
    `${unsound ? style('red', 'unsound') : style('yellow', 'untidy')}  ${printable(message)}`,
    `         ${printable(hint)}`,
  ]
}
