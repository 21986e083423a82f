/** Reads all settings from where they can be said: flag before environment before file before default. */
import { CliError } from '@countersign/keyexchange/cli'
import { isIPv4 } from 'node:net'
import { dirname } from 'node:path'
import { flagOf, SETTING_NAMES, SETTINGS, type SettingName, type Settings, variableOf } from './table.ts'

/** A value, and who said it. */
export interface Said {
  readonly value: unknown
  readonly by: 'flag' | 'environment' | 'file' | 'default'
}

export interface Sources {
  /** What the command line says, by the names of settings */
  readonly flags: Readonly<Record<string, unknown>>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly file: SettingsFile | undefined
}

export interface SettingsFile {
  readonly path: string
  readonly values: Readonly<Record<string, unknown>>
}

/** Every setting as it was said, and by whom. @throws CliError USAGE that names the flag, the variable or the file */
export function readSaid(sources: Sources): ReadonlyMap<SettingName, Said> {
  if (sources.file !== undefined) requireKnown(sources.file)
  return new Map(SETTING_NAMES.map((name) => [name, saidOf(name, sources)]))
}

/** @throws CliError USAGE */
export function readSettings(sources: Sources): Settings {
  const said = readSaid(sources)
  const settings = Object.fromEntries([...said].map(([name, { value }]) => [name, value])) as unknown as Settings
  requireAgreement(settings)
  return settings
}

function saidOf(name: SettingName, { flags, environment, file }: Sources): Said {
  const flag = flags[name]
  if (flag !== undefined) {
    return { value: read(name, flag, '.', flagOf(name), 'see --help for what the options mean'), by: 'flag' }
  }
  const variable = environment[variableOf(name)]
  if (variable !== undefined && variable !== '') {
    const hint = `set ${variableOf(name)} to ${SETTINGS[name].kind.is}, or not at all`
    return { value: read(name, variable, '.', variableOf(name), hint), by: 'environment' }
  }
  const value = file?.values[name]
  if (file !== undefined && value !== undefined) {
    const hint = `write ${SETTINGS[name].kind.is} there, or leave "${name}" out`
    return { value: read(name, value, dirname(file.path), `"${name}" in ${file.path}`, hint), by: 'file' }
  }
  return { value: SETTINGS[name].default, by: 'default' }
}

function read(name: SettingName, said: unknown, folder: string, place: string, hint: string): unknown {
  const { kind } = SETTINGS[name]
  const value = kind.read(said, folder)
  if (value !== undefined) return value
  throw new CliError('USAGE', `${place} is ${JSON.stringify(said)}, and should be ${kind.is}`, hint)
}

function requireKnown({ path, values }: SettingsFile): void {
  const other = Object.keys(values).find((name) => !Object.hasOwn(SETTINGS, name))
  if (other === undefined) return
  throw new CliError('USAGE', `there is no setting "${other}", which ${path} has`, 'countersign-server settings lists them all')
}

/** What each by itself is good for and all together are not. */
function requireAgreement({ pingAfter, idleAfter, ephemeral, exec, webhook, metrics, metricsPublic }: Settings): void {
  if (pingAfter >= idleAfter) {
    const hint = 'countersign-server settings shows who says what'
    throw new CliError('USAGE', `pingAfter is ${pingAfter} s and idleAfter ${idleAfter} s: a session would end unasked`, hint)
  }
  if (ephemeral && (exec ?? webhook) !== undefined) {
    throw new CliError('USAGE', 'hooks need the journal, which --ephemeral does without', 'leave --ephemeral out')
  }
  if (metrics !== undefined && 'host' in metrics && !metricsPublic && !isLoopback(metrics.host)) {
    const hint = 'name a port alone for this machine, or say metricsPublic (--metrics-public) where all may ask'
    throw new CliError('USAGE', `metrics would be told to other machines: ${metrics.host} is reached from outside`, hint)
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}
