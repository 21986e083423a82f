/** Changing this side's key, and accepting that a peer has changed theirs. */
import { generatePrivateKey, identity, type PublicKey, type RsaBits } from '@countersign/core'
import { equal } from '@countersign/core/protocol'
import { existsSync } from 'node:fs'
import { CliError } from '../cli/exit.ts'
import { type About, isoDate, publicKeyFile } from './about.ts'
import { chainPaths, ownLinks } from './chains.ts'
import { privateKeyFile } from './create.ts'
import { linkFile, makeFolder, PRIVATE_MODE, PUBLIC_MODE, removeFile, replaceFile } from './files.ts'
import type { Home } from './home.ts'
import type { HomePaths } from './layout.ts'
import { type AskPassphrase, noteOwn, type OwnKey, readOwn, readPrevious, unlock } from './own.ts'
import { readRotation, type Rotation, rotationFile, vouches } from './rotation.ts'

export interface Rotated {
  readonly old: PublicKey
  readonly publicKey: PublicKey
  /** The statement that peers accept */
  readonly statement: string
  /** The end of the overlap; ms since 1970, UTC */
  readonly notAfter: number
}

/**
 * Makes a new key of the same type, vouched for by the old one, under the same passphrase.
 *
 * The new identity.pem is the one step that counts: what is written before it has no meaning without it, and what is
 * written after it can be made again.
 *
 * @param overlap how long both keys are good; ms
 * @throws CliError EXISTS while the overlap of an earlier rotation lasts, CONFLICT where the keys were changed while somebody
 *   was asked
 */
export async function rotate(paths: HomePaths, ask: AskPassphrase, overlap: number): Promise<Rotated> {
  const own = readOwn(paths)
  requireNoOverlap(paths, own)
  const requireUnchanged = noteOwn(paths)
  let passphrase: string | undefined
  const old = await unlock(own, async (path) => (passphrase = await ask(path)))
  const { algorithm, signatureLength } = old.publicKey
  const successor = generatePrivateKey(algorithm, (signatureLength * 8) as RsaBits)
  const now = Date.now()
  const notAfter = now + overlap

  const rotation = await rotationFile(identity(old), identity(successor), now, notAfter)
  const about: About = { ...own.about, date: isoDate(now), origin: 'generated here, vouched for by the key before it' }
  const privateFile = await privateKeyFile(successor, about, passphrase)
  requireUnchanged()
  const statement = writeLink(paths, old.publicKey, own.about, rotation)
  if (!existsSync(paths.previous)) linkFile(paths.identity, paths.previous)
  replaceFile(paths.identity, privateFile, PRIVATE_MODE)
  writeOwnPublicKey(paths, successor.publicKey, about)
  return { old: old.publicKey, publicKey: successor.publicKey, statement, notAfter }
}

/** identity.pub.pem, as it follows from identity.pem. */
export function writeOwnPublicKey(paths: HomePaths, publicKey: PublicKey, about: About): void {
  replaceFile(paths.publicKey, publicKeyFile(publicKey, about), PUBLIC_MODE)
}

/** One that is over is ended here, as whoever opens the home ends it: nobody may have opened it since. */
function requireNoOverlap(paths: HomePaths, own: OwnKey): void {
  const previous = readPrevious(paths, own)
  if (!previous) return
  const links = ownLinks(paths, own.publicKey)
  const link = links.find(({ old }) => equal(old.id, previous.publicKey.id))
  if (link && link.rotation.notAfter < Date.now()) return removeFile(paths.previous)
  const end = links[0] ? `lasts until ${isoDate(links[0].rotation.notAfter)}` : 'has no statement'
  const hint = 'wait until it is over; after that the old private key goes by itself'
  throw new CliError('EXISTS', `the overlap of an earlier rotation ${end}; nothing was changed`, hint)
}

/** The old public key and the statement. Until the new key is in its place they mean nothing, and may be overwritten. */
function writeLink(paths: HomePaths, old: PublicKey, about: About, statement: string): string {
  const link = chainPaths(paths, old.id)
  makeFolder(paths.chains)
  replaceFile(link.publicKey, publicKeyFile(old, about), PUBLIC_MODE)
  replaceFile(link.rotation, statement, PUBLIC_MODE)
  return link.rotation
}

export interface Accepted {
  readonly name: string
  readonly publicKey: PublicKey
  /** Until when the old key is good beside the new one; ms since 1970, UTC */
  readonly notAfter: number
  /** Whether this rotation had been accepted before */
  readonly existed: boolean
}

/**
 * Pins a peer's new key in place of the old one that vouches for it.
 *
 * @throws CliError CONFLICT where a key is revoked, taken, or succeeded by another; EVIDENCE where the statement does not
 *   verify or its overlap is over; MISSING where the old key is no peer's; LocalError KEY_...
 */
export function acceptRotation(home: Home, file: string): Accepted {
  const rotation = readRotation(file)
  const { successor, notAfter, oldKeyId } = rotation
  const trust = home.trust(oldKeyId)
  if (trust && 'revoked' in trust) throw conflict('the old key is revoked here')
  if (home.revokedKey(successor)) throw conflict('the new key is revoked here')
  const known = home.peerOf(successor)
  if (known?.keys.some((key) => equal(key.id, oldKeyId))) {
    return { name: known.name, publicKey: successor, notAfter, existed: true }
  }
  if (known || home.keys.some((key) => equal(key.id, successor.id))) throw conflict('the new key is known here as another one')
  const peer = home.peers.find(({ keys }) => keys.some((key) => equal(key.id, oldKeyId)))
  if (!peer) {
    const hint = 'accept the statements of a peer in the order in which they were made, or swap keys anew: `keys swap`'
    throw new CliError('MISSING', 'no peer here has the old key of this statement; nothing was changed', hint)
  }
  if (!equal(peer.publicKey.id, oldKeyId)) throw conflict(`the old key of ${peer.name} has another successor here`)
  requireValid(peer.publicKey, rotation)
  const about: About = { ...peer.about, date: isoDate(Date.now()), origin: 'rotated, vouched for by the key before it' }
  writeLink(home.paths, peer.publicKey, peer.about, withoutText(file))
  replaceFile(peer.path, publicKeyFile(successor, about), PUBLIC_MODE)
  home.reload()
  return { name: peer.name, publicKey: successor, notAfter, existed: false }
}

function requireValid(old: PublicKey, rotation: Rotation): void {
  const hint = 'ask the peer for a new statement on a way that you trust, or swap keys anew: `keys swap`'
  if (!vouches(old, rotation))
    throw new CliError('EVIDENCE', 'the old key did not sign this statement; nothing was changed', hint)
  if (rotation.notAfter >= Date.now()) return
  const message = `the overlap of this rotation was over at ${isoDate(rotation.notAfter)}; nothing was changed`
  throw new CliError('EVIDENCE', message, hint)
}

function conflict(what: string): CliError {
  return new CliError('CONFLICT', `${what}; nothing was changed`, 'ask the peer which of its keys is good, and see `keys list`')
}

/** The statement alone, whatever stood around it. */
function withoutText(file: string): string {
  return `${file.slice(file.indexOf('-----BEGIN'), file.lastIndexOf('-----') + 5)}\n`
}
