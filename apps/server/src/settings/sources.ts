/** Where the settings of one command line are said. */
import type { Command } from 'commander'
import { readSettingsFile } from './file.ts'
import type { Sources } from './read.ts'

/**
 * @param home the folder whose server.json counts where no other file is named
 * @throws CliError MISSING, PERMISSIONS, USAGE
 */
export function sourcesOf(command: Command, home: string): Sources {
  const flags = command.optsWithGlobals<{ readonly config?: string } & Record<string, unknown>>()
  const environment = process.env
  const named = flags.config ?? (environment['COUNTERSIGN_CONFIG'] || undefined)
  return { flags, environment, file: readSettingsFile(named, home) }
}
