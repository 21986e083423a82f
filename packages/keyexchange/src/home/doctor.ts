/** Looks a home over: modes, owners, formats, weak or duplicate keys, and what interrupted writes left behind. */
import { type PublicKey, readPublicKey } from '@countersign/core'
import { equal } from '@countersign/core/protocol'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { CliError } from '../cli/exit.ts'
import { ownLinks } from './chains.ts'
import { makeFolder, removeFile, TEMPORARY } from './files.ts'
import type { HomePaths } from './layout.ts'
import { type AskPassphrase, type OwnKey, ownChain, readOwn, readPrevious, unlockFile } from './own.ts'
import { requirePrivate, requireUnwritable } from './permissions.ts'
import { writeOwnPublicKey } from './rotate.ts'
import { type RevokedKey, TrustStore } from './trust.ts'
import { readAbout } from './about.ts'

/** Something that is not as it should be. */
export interface Finding {
  /** Whether the home is unsound by it; the rest is untidy and harmless */
  readonly unsound: boolean
  readonly path: string
  /** Describes itself: see `describeFailure` */
  readonly error: unknown
  /** Puts it right, where that needs no decision of a person */
  readonly fix?: () => void | Promise<void>
}

/** Looks a home over and changes nothing. */
export function examine(paths: HomePaths, ask: AskPassphrase): Finding[] {
  const findings: Finding[] = [...folders(paths), ...leftovers(paths)]
  const own = ownKey(paths, ask, findings)
  findings.push(...trusted(paths, own ? ownChain(ownLinks(paths, own.publicKey), own) : []))
  return findings
}

function* folders(paths: HomePaths): Iterable<Finding> {
  yield* modes([paths.root, paths.home], requireUnwritable)
  for (const folder of [paths.peers, paths.revoked, paths.chains]) {
    if (existsSync(folder)) yield* modes([folder], requireUnwritable)
    else yield untidy(folder, `${folder} is missing`, () => makeFolder(folder))
  }
}

/** Modes that let others in, each with the change that shuts them out. */
function* modes(files: Iterable<string>, require: (path: string) => void): Iterable<Finding> {
  for (const path of files) {
    if (!existsSync(path)) continue
    try {
      require(path)
    } catch (error) {
      const others = require === requirePrivate ? 0o077 : 0o022
      const { mode, uid } = statSync(path)
      const mine = uid === process.geteuid?.()
      yield { unsound: true, path, error, ...(mine && { fix: () => chmodSync(path, mode & 0o777 & ~others) }) }
    }
  }
}

function* leftovers({ home, peers, revoked, chains }: HomePaths): Iterable<Finding> {
  for (const folder of [home, peers, revoked, chains].filter((path) => existsSync(path))) {
    for (const name of readdirSync(folder).filter((file) => TEMPORARY.test(file))) {
      const path = join(folder, name)
      yield untidy(path, `${path} was left behind by a command that was interrupted`, () => removeFile(path))
    }
  }
}

/** This home's own keys, as far as that goes without a passphrase. */
function ownKey(paths: HomePaths, ask: AskPassphrase, findings: Finding[]): OwnKey | undefined {
  if (!existsSync(paths.identity)) {
    const error = new CliError('MISSING', `${paths.home} has no key`, `make one with \`keys init --as ${paths.role}\``)
    findings.push({ unsound: false, path: paths.identity, error })
    return undefined
  }
  findings.push(...modes([paths.identity, paths.previous], requirePrivate))
  findings.push(...modes([paths.publicKey], requireUnwritable))
  try {
    const own = readOwn(paths)
    findings.push(...publicHalf(paths, own), ...previousKey(paths, own))
    return own
  } catch (error) {
    // What modes say has been said; a missing public half can be made again.
    const missing = error instanceof CliError && error.code === 'MISSING'
    const fix = async (): Promise<void> => {
      const { publicKey } = await unlockFile(paths.identity, ask)
      writeOwnPublicKey(paths, publicKey, readAbout(readFileSync(paths.identity, 'utf8')))
    }
    if (!isPermissions(error)) findings.push({ unsound: true, path: paths.identity, error, ...(missing && { fix }) })
    return undefined
  }
}

/** identity.pub.pem follows identity.pem, which a rotation that was interrupted has changed alone. */
function* publicHalf(paths: HomePaths, { publicKey, about }: OwnKey): Iterable<Finding> {
  if (readsAs(paths.publicKey, publicKey)) return
  yield untidy(paths.publicKey, `${paths.publicKey} is not the public key of this home`, () =>
    writeOwnPublicKey(paths, publicKey, about),
  )
}

function readsAs(path: string, publicKey: PublicKey): boolean {
  try {
    return equal(readPublicKey(readFileSync(path)).id, publicKey.id)
  } catch {
    return false
  }
}

function* previousKey(paths: HomePaths, own: OwnKey): Iterable<Finding> {
  if (!existsSync(paths.previous)) return
  const remove = (): void => removeFile(paths.previous)
  const previous = readPrevious(paths, own)
  if (!previous) {
    yield untidy(paths.previous, `${paths.previous} was left behind by a rotation that was interrupted`, remove)
    return
  }
  const links = ownLinks(paths, own.publicKey)
  const link = links.find(({ old }) => equal(old.id, previous.publicKey.id))
  if (!link) {
    const error = new CliError('CONFLICT', `${paths.previous} is no key that this home has rotated away from`, 'move it away')
    yield { unsound: true, path: paths.previous, error }
  } else if (link.rotation.notAfter < Date.now()) {
    yield { ...untidy(paths.previous, `the overlap of ${paths.previous} is over`, remove), unsound: true }
  }
}

function* trusted(paths: HomePaths, own: readonly PublicKey[]): Iterable<Finding> {
  const store = new TrustStore(paths, own)
  for (const { path, error } of store.problems) {
    // The folders' own modes have been said.
    if (path === paths.home) continue
    if (isPermissions(error)) yield* modes(new Set([path, path.replace(/rotation$/, 'pem')]), requireUnwritable)
    else if (isRevoked(path, store.revoked)) yield untidy(path, `${path} is revoked, and refused`, () => removeFile(path))
    else yield { unsound: true, path, error }
  }
}

/** Between a tombstone and the removal of the peer's file both stand, and the tombstone counts. */
function isRevoked(path: string, revoked: readonly RevokedKey[]): boolean {
  return revoked.some(({ publicKey }) => readsAs(path, publicKey))
}

function isPermissions(error: unknown): boolean {
  return error instanceof CliError && error.code === 'PERMISSIONS'
}

function untidy(path: string, message: string, fix: () => void): Finding {
  return { unsound: false, path, error: new CliError('CONFLICT', message, '`keys doctor --fix` puts it right'), fix }
}
