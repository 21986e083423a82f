/** The frame of a command line: the options that every program and command takes. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { readFileSync } from 'node:fs'
import { Output } from './output.ts'
import { askSecret, readSecret, type SecretSource } from './secret.ts'
import { usageError } from './usage.ts'

/** What the options that stand everywhere come to. */
export interface CommonOptions {
  readonly root?: string
  readonly json?: boolean
  readonly quiet?: boolean
  /** false where --no-input stands */
  readonly input: boolean
  readonly passphraseFile?: string
  readonly passphraseFd?: number
}

/**
 * A commander program with the common options, which throws instead of printing its errors and exiting.
 *
 * @param manifest the package.json that holds the version
 */
export function createProgram(name: string, description: string, manifest: URL): Command {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  return new Command(name)
    .description(description)
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .option('--root <dir>', 'the folder of the homes (COUNTERSIGN_HOME, else $XDG_CONFIG_HOME/countersign)')
    .option('--json', 'print JSON, one object a line')
    .option('--quiet', 'print results and errors only')
    .option('--no-input', 'never ask; fail instead')
    .option('--passphrase-file <file>', 'read the passphrase of the private key from a file (COUNTERSIGN_PASSPHRASE_FILE)')
    .addOption(new Option('--passphrase-fd <n>', 'read it from an open descriptor').argParser(parseDescriptor))
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError()
}

function parseDescriptor(text: string): number {
  if (/^\d{1,4}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is the number of an open descriptor.')
}

/** Parses the words of the process; help and version, once printed, are no failure. */
export async function parseProgram(program: Command): Promise<void> {
  try {
    await program.parseAsync()
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode !== 0) throw usageError(program, process.argv.slice(2), error)
  }
}

/** The output that the common options ask for. */
export function outputOf({ json = false, quiet = false, input }: CommonOptions): Output {
  return new Output({ json, quiet, input })
}

/** Where the passphrase comes from, by option or environment; undefined leaves it to a prompt. */
export function passphraseSource({ passphraseFile, passphraseFd }: CommonOptions): SecretSource | undefined {
  return passphraseFd ?? passphraseFile ?? process.env['COUNTERSIGN_PASSPHRASE_FILE']
}

/** What `openHome` asks for a passphrase: option, environment, then a prompt. */
export function passphraseAsker(options: CommonOptions, output: Output): (path: string) => Promise<string> {
  const source = passphraseSource(options)
  if (source === undefined) {
    return (path) => askSecret(output, `Passphrase of ${path}`, 'give it by --passphrase-file or COUNTERSIGN_PASSPHRASE_FILE')
  }
  // A descriptor can be read once, and may be asked for two keys.
  let passphrase: string | undefined
  return async () => (passphrase ??= readSecret(source, 'passphrase'))
}
