/** The server's file of settings: JSON, `server.json` in the home's folder where no other is named. */
import { CliError } from '@countersign/keyexchange/cli'
import { requireUnwritable } from '@countersign/keyexchange'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { SettingsFile } from './read.ts'

/**
 * Reads the file that is named, or the home's own where there is one.
 *
 * @throws CliError MISSING, PERMISSIONS where others can write it, USAGE where it is no object in JSON
 */
export function readSettingsFile(named: string | undefined, home: string): SettingsFile | undefined {
  const path = named === undefined ? join(home, 'server.json') : resolve(named)
  if (!existsSync(path)) {
    if (named === undefined) return undefined
    throw new CliError('MISSING', `there is no file of settings at ${path}`, 'check --config, or COUNTERSIGN_CONFIG')
  }
  // It names programs to run.
  requireUnwritable(path)
  return { path, values: parse(path, readFileSync(path, 'utf8')) }
}

function parse(path: string, text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new CliError('USAGE', `${path} is no JSON: ${(cause as Error).message}`, 'correct it there', { cause })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new CliError('USAGE', `${path} holds no object`, 'write the settings as { "port": 11564, ... }')
}
