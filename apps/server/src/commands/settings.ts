/** `countersign-server settings`: every setting, what it comes to here, and who says so. */
import { homePaths, resolveRoot } from '@countersign/keyexchange'
import { type CommonOptions, outputOf, printable, style } from '@countersign/keyexchange/cli'
import type { Command } from 'commander'
import { settingFlags } from '../settings/flags.ts'
import { readSaid } from '../settings/read.ts'
import { sourcesOf } from '../settings/sources.ts'
import { flagOf, SETTING_NAMES, SETTINGS, variableOf } from '../settings/table.ts'

export function settings(program: Command): void {
  const command = program
    .command('settings')
    .description('list every setting: what it comes to with this command line, this environment and this home, and who says so')
    .action((_: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>()
      const output = outputOf(options)
      const sources = sourcesOf(command, homePaths(resolveRoot(options.root), 'server').home)
      for (const [name, { value, by }] of readSaid(sources)) {
        const { kind, default: standard, does, reloads } = SETTINGS[name]
        const told = { name, flag: flagOf(name), variable: variableOf(name), is: kind.is, default: standard, does, reloads }
        output.result({ ...told, value, by }, [line(name, value, by === 'file' ? sources.file!.path : by)])
      }
    })
  settingFlags(command, SETTING_NAMES)
}

function line(name: string, value: unknown, by: string): string {
  const shown = value === undefined ? 'not said' : typeof value === 'string' ? value : JSON.stringify(value)
  const text = `${name.padEnd(24)}  ${printable(shown)}`
  return by === 'default' ? style('dim', text) : `${text}  ${style('dim', `(${printable(by)})`)}`
}
