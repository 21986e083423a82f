/** This home's own key, and during a rotation the one before it. */
import { LocalError, type PrivateKey, type PublicKey, readPrivateKey, readPublicKey } from '@countersign/core'
import { equal } from '@countersign/core/protocol'
import { existsSync, readFileSync } from 'node:fs'
import { CliError } from '../cli/exit.ts'
import { type About, readAbout } from './about.ts'
import { type Link, readLinks } from './chains.ts'
import type { HomePaths } from './layout.ts'
import { requirePrivate, requireUnwritable } from './permissions.ts'

export interface OwnKey {
  readonly path: string
  readonly publicKey: PublicKey
  readonly about: About
  readonly encrypted: boolean
}

/** Asks for the passphrase of the key in a file, when it has one. */
export type AskPassphrase = (path: string) => string | Promise<string>

/**
 * Reads what can be known of this home's key without its passphrase.
 *
 * identity.pem alone says which key is meant, so that it can be replaced in one step; identity.pub.pem follows it.
 *
 * @throws CliError MISSING, PERMISSIONS; LocalError KEY_...
 */
export function readOwn(paths: HomePaths): OwnKey {
  requireHome(paths)
  return readOwnFile(paths, paths.identity)
}

/** The key before this one, while its file stands. */
export function readPrevious(paths: HomePaths, own: OwnKey): OwnKey | undefined {
  if (!existsSync(paths.previous)) return undefined
  const previous = readOwnFile(paths, paths.previous)
  // A rotation that stopped halfway has given the present key its second name already.
  return equal(previous.publicKey.id, own.publicKey.id) ? undefined : previous
}

function requireHome(paths: HomePaths): void {
  if (!existsSync(paths.identity)) {
    const hint = `make one with \`keys init --as ${paths.role}\`, or name another folder with --root or COUNTERSIGN_HOME`
    throw new CliError('MISSING', `no key at ${paths.identity}`, hint)
  }
  requireUnwritable(paths.root)
  requireUnwritable(paths.home)
}

function readOwnFile(paths: HomePaths, path: string): OwnKey {
  requirePrivate(path)
  const file = readFileSync(path, 'utf8')
  const about = readAbout(file)
  const encrypted = file.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----')
  const publicKey = encrypted ? publicHalf(paths, path, about) : readPrivateKey(file).publicKey
  return { path, publicKey, about, encrypted }
}

/** The public half of a key whose passphrase is not at hand: the known public key that has its fingerprint. */
function publicHalf(paths: HomePaths, path: string, { fingerprint }: About): PublicKey {
  const pinned = existsSync(paths.publicKey) ? [readPublicKey(readFileSync(paths.publicKey))] : []
  if (fingerprint === undefined && pinned[0]) return pinned[0]
  const links = [...readLinks(paths, () => {}).values()]
  const known = [...pinned, ...links.flatMap(({ old, rotation }) => [old, rotation.successor])]
  const found = known.find((key) => key.fingerprint === fingerprint)
  if (found) return found
  throw new CliError('MISSING', `no public key fits ${path}`, 'run `keys doctor --fix`, which asks for its passphrase')
}

/**
 * Notes this side's private keys, as they stand in their files, before somebody is asked for a passphrase.
 *
 * @returns to be called right before they are replaced; throws CliError CONFLICT where another command has done so meanwhile,
 *   as a rotation, whose new key would be gone
 */
export function noteOwn({ identity, previous }: HomePaths): () => void {
  const read = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)
  const before = [identity, previous].map((path) => ({ path, content: read(path) }))
  return () => {
    const changed = before.find(({ path, content }) => read(path) !== content)
    if (changed === undefined) return
    const message = `another command has changed ${changed.path} meanwhile; this one has changed nothing`
    throw new CliError('CONFLICT', message, 'run it again')
  }
}

/**
 * The private key itself.
 *
 * @throws LocalError KEY_PASSPHRASE; CliError CONFLICT where the file's text names another key than it holds
 */
export async function unlock(own: OwnKey, ask: AskPassphrase): Promise<PrivateKey> {
  requirePrivate(own.path)
  const privateKey = await unlockFile(own.path, ask)
  if (equal(privateKey.publicKey.id, own.publicKey.id)) return privateKey
  const message = `${own.path} holds another key than the public key beside it`
  throw new CliError('CONFLICT', message, 'run `keys doctor` to see which file is wrong')
}

/** Reads a private key from a file, asking for its passphrase only where it has one. */
export async function unlockFile(path: string, ask: AskPassphrase): Promise<PrivateKey> {
  const file = readFileSync(path, 'utf8')
  try {
    return readPrivateKey(file)
  } catch (error) {
    if (!(error instanceof LocalError && error.code === 'KEY_PASSPHRASE')) throw error
    return readPrivateKey(file, await ask(path))
  }
}

/** This home's keys, the oldest first, the present one last, by the links that lead to it. */
export function ownChain(links: readonly Link[], own: OwnKey): PublicKey[] {
  return [...links.map(({ old }) => old).toReversed(), own.publicKey]
}
