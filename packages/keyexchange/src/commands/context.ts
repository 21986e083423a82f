/** What every command of `keys` starts from. */
import type { PrivateKey, PublicKey } from '@countersign/core'
import { type Command, Option } from 'commander'
import { CliError } from '../cli/exit.ts'
import { type CommonOptions, outputOf, passphraseAsker, passphraseSource } from '../cli/program.ts'
import type { Output } from '../cli/output.ts'
import { readSecret } from '../cli/secret.ts'
import { createHome, type CreateHomeOptions, homeExists } from '../home/create.ts'
import { type Home, openHome } from '../home/home.ts'
import { homePaths, type HomePaths, resolveRoot, type Role, ROLES } from '../home/layout.ts'
import type { AskPassphrase } from '../home/own.ts'
import { checkWords, keyType } from '../words.ts'

export interface KeysOptions extends CommonOptions {
  readonly as?: Role
}

export interface Context<O extends KeysOptions> {
  readonly options: O
  readonly output: Output
  readonly ask: AskPassphrase
}

export function contextOf<O extends KeysOptions = KeysOptions>(command: Command): Context<O> {
  const options = command.optsWithGlobals<O>()
  const output = outputOf(options)
  return { options, output, ask: passphraseAsker(options, output) }
}

export function asOption(): Option {
  return new Option('--as <role>', 'which home: the one that is there, where not said').choices(ROLES)
}

export function pathsOf({ options }: Context<KeysOptions>, role: Role): HomePaths {
  return homePaths(resolveRoot(options.root), role)
}

/** The homes that there are. */
export function existingRoles(context: Context<KeysOptions>): Role[] {
  return ROLES.filter((role) => homeExists(pathsOf(context, role)))
}

/** The role that --as says, or the only one that has a home. @throws CliError USAGE where it must be said */
export function roleOf(context: Context<KeysOptions>): Role {
  const { as } = context.options
  if (as !== undefined) return as
  const [first, second] = existingRoles(context)
  if (second) throw new CliError('USAGE', 'there are two homes here', 'say which one: --as server or --as client')
  return first ?? 'client'
}

export function homeOf(context: Context<KeysOptions>, role: Role = roleOf(context)): Home {
  return openHome({ root: context.options.root, role, passphrase: context.ask })
}

/** Makes a home, its key under the passphrase that option or environment give. @throws as createHome */
export function newHome(
  { options }: Context<KeysOptions>,
  paths: HomePaths,
  wanted: CreateHomeOptions = {},
): Promise<PrivateKey> {
  const source = passphraseSource(options)
  return createHome(paths, { ...wanted, ...(source !== undefined && { passphrase: readSecret(source, 'passphrase') }) })
}

/** A public key as --json prints it. */
export interface KeyRecord {
  readonly type: string
  readonly fingerprint: string
  readonly words: string
}

export function keyRecord(publicKey: PublicKey): KeyRecord {
  return { type: keyType(publicKey), fingerprint: publicKey.fingerprint, words: checkWords(publicKey.id) }
}
