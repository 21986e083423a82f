/** The flags of a command, made from the table of settings. */
import { type Command, Option } from 'commander'
import { flagOf, SETTINGS, type SettingName, variableOf } from './table.ts'

/** Adds a flag for each of these settings; what is said stays text until `readSettings` reads it. */
export function settingFlags(command: Command, names: readonly SettingName[]): Command {
  command.option('--config <file>', 'the file of settings (COUNTERSIGN_CONFIG, else server.json in the home)')
  for (const name of names) {
    const { kind, does } = SETTINGS[name]
    const flag = flagOf(name)
    if (kind.placeholder !== undefined) {
      command.addOption(new Option(`${flag} ${kind.placeholder}`, described(name, does)))
    } else {
      command.addOption(new Option(flag, described(name, does)))
      command.addOption(new Option(flag.replace('--', '--no-'), `not ${name}, whatever the file says`).hideHelp())
    }
  }
  return command.addHelpText('after', NOTE)
}

const NOTE = `
Every setting is also a variable of the environment, --hook-tries as ${variableOf('hookTries')}, and stands in the file
as "hookTries". A flag counts before the environment, that before the file. --no-... turns off what is on or off.`

function described(name: SettingName, does: string): string {
  const { default: standard } = SETTINGS[name]
  return typeof standard === 'number' || typeof standard === 'string' ? `${does} (default: ${standard})` : does
}
