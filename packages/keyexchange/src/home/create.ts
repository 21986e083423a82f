/** Making a home: its folders, and a key of its own. */
import { type Algorithm, generatePrivateKey, type PrivateKey, privateKeyPem, type RsaBits } from '@countersign/core'
import { existsSync } from 'node:fs'
import { hostname } from 'node:os'
import { CliError } from '../cli/exit.ts'
import { type About, isoDate, publicKeyFile, withAbout } from './about.ts'
import { createFile, makeFolder, PRIVATE_MODE, PUBLIC_MODE, replaceFile } from './files.ts'
import { type HomePaths, requireName, toName } from './layout.ts'

export interface CreateHomeOptions {
  readonly algorithm?: Algorithm
  readonly bits?: RsaBits
  /** What this side calls itself to peers; the computer's name where not said */
  readonly name?: string
  /** Puts the private key under a passphrase */
  readonly passphrase?: string
  /** How the key came; where a key is brought along instead of generated, with that key */
  readonly origin?: string
  readonly privateKey?: PrivateKey
}

export function homeExists({ identity }: HomePaths): boolean {
  return existsSync(identity)
}

/**
 * Makes a home and its key. The public key is written first: a home is there once its identity.pem is.
 *
 * @throws CliError EXISTS where there is a key already, USAGE for a bad name
 */
export async function createHome(paths: HomePaths, options: CreateHomeOptions): Promise<PrivateKey> {
  const name = requireName(options.name ?? toName(hostname()))
  if (homeExists(paths)) {
    const hint = 'see it with `keys show`; `keys rotate` makes a new key that peers can accept'
    throw new CliError('EXISTS', `a key stands at ${paths.identity} already; it was left as it is`, hint)
  }
  for (const folder of [paths.root, paths.home, paths.peers, paths.revoked, paths.chains]) makeFolder(folder)
  const privateKey = options.privateKey ?? generatePrivateKey(options.algorithm, options.bits)
  const about: About = { name, date: isoDate(Date.now()), origin: options.origin ?? 'generated here' }
  replaceFile(paths.publicKey, publicKeyFile(privateKey.publicKey, about), PUBLIC_MODE)
  createFile(paths.identity, await privateKeyFile(privateKey, about, options.passphrase), PRIVATE_MODE)
  return privateKey
}

/** The text of a file that holds a private key. */
export async function privateKeyFile(privateKey: PrivateKey, about: About, passphrase?: string): Promise<string> {
  const pem = passphrase === undefined ? privateKeyPem(privateKey) : await encrypted(privateKey, passphrase)
  return withAbout({ ...about, fingerprint: privateKey.publicKey.fingerprint }, pem)
}

async function encrypted(privateKey: PrivateKey, passphrase: string): Promise<string> {
  const { encryptedPrivateKeyPem } = await import('./encrypted.ts')
  return encryptedPrivateKeyPem(privateKey, passphrase)
}
