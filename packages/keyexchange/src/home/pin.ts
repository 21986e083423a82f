/** Trusting a key, and ceasing to. */
import { type PublicKey, readPublicKey } from '@countersign/core'
import { equal } from '@countersign/core/protocol'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../cli/exit.ts'
import { type About, isoDate, readAbout, publicKeyFile } from './about.ts'
import { createFile, makeFolder, PUBLIC_MODE, removeFile } from './files.ts'
import type { Home } from './home.ts'
import { type HomePaths, requireName } from './layout.ts'

/** Under which name a key is trusted, and whether it was before. */
export interface Pin {
  readonly name: string
  readonly publicKey: PublicKey
  readonly existed: boolean
}

/**
 * Whether a key may be trusted under a name, without trusting it yet.
 *
 * @throws CliError CONFLICT where it is this side's own, revoked, or the name stands for another key
 */
export function checkPin(home: Home, wanted: string, publicKey: PublicKey): Pin {
  const name = requireName(wanted)
  const unchanged = 'nothing was changed'
  if (home.keys.some((own) => equal(own.id, publicKey.id))) {
    const hint = 'each side needs a key of its own: do not copy a home to another machine'
    throw new CliError('CONFLICT', `this is this home's own key; ${unchanged}`, hint)
  }
  const revoked = home.revokedKey(publicKey)
  if (revoked) {
    const hint = 'the peer must make a new key; a tombstone is lifted only by removing its file by hand'
    throw new CliError('CONFLICT', `this key is revoked here (${revoked.path}); ${unchanged}`, hint)
  }
  const known = home.peerOf(publicKey)
  if (known) {
    if (home.trust(publicKey.id) === undefined) {
      const hint = `the peer must offer its present key, ${known.publicKey.fingerprint}: it may run on an old copy of its home`
      throw new CliError('CONFLICT', `this is an old key of ${known.name}, whose overlap is over; ${unchanged}`, hint)
    }
    return { name: known.name, publicKey, existed: true }
  }
  const other = home.peers.find((peer) => peer.name === name)
  if (other) {
    const hint = `name it otherwise with --peer; or, if ${name} truly has a new key, \`keys revoke ${name}\` first`
    throw new CliError('CONFLICT', `${name} is pinned to another key, ${other.publicKey.fingerprint}; ${unchanged}`, hint)
  }
  return { name, publicKey, existed: false }
}

/** Trusts a key: writes peers/NAME.pem, unless it is there. @throws as checkPin; CliError EXISTS */
export function pin(home: Home, wanted: string, publicKey: PublicKey, origin: string, address?: string): Pin {
  const checked = checkPin(home, wanted, publicKey)
  if (checked.existed) return checked
  const about: About = { name: checked.name, date: isoDate(Date.now()), origin, address }
  makeFolder(home.paths.peers)
  createFile(peerPath(home.paths, checked.name), publicKeyFile(publicKey, about), PUBLIC_MODE)
  home.reload()
  return checked
}

function peerPath({ peers }: HomePaths, name: string): string {
  return join(peers, `${name}.pem`)
}

/**
 * Refuses a peer's key for good: a tombstone first, then its file goes, so that at no moment neither says so.
 *
 * @throws CliError MISSING
 */
export function revoke(paths: HomePaths, name: string): PublicKey {
  const path = requirePeerFile(paths, name)
  const file = readFileSync(path, 'utf8')
  const publicKey = readPublicKey(file)
  makeFolder(paths.revoked)
  const about: About = { ...readAbout(file), name, date: isoDate(Date.now()), origin: 'revoked' }
  for (let i = 1; ; i++) {
    const tombstone = join(paths.revoked, `${i === 1 ? name : `${name.slice(0, 60)}-${i}`}.pem`)
    if (!existsSync(tombstone)) {
      createFile(tombstone, publicKeyFile(publicKey, about), PUBLIC_MODE)
      break
    }
    if (holds(tombstone, publicKey)) break
  }
  removeFile(path)
  return publicKey
}

/** Whether a file is of this key; one that is of no key stands in nobody's way. */
function holds(path: string, { id }: PublicKey): boolean {
  try {
    return equal(readPublicKey(readFileSync(path)).id, id)
  } catch {
    return false
  }
}

/** Ceases to trust a peer, who may come again. @throws CliError MISSING */
export function forget(paths: HomePaths, name: string): void {
  removeFile(requirePeerFile(paths, name))
}

function requirePeerFile(paths: HomePaths, name: string): string {
  const path = peerPath(paths, requireName(name))
  if (existsSync(path)) return path
  throw new CliError('MISSING', `this home has no peer named ${name}; nothing was changed`, 'see `keys list`')
}
