/** What a home trusts: a snapshot of its folders peers/, revoked/ and chains/. */
import { type PublicKey, readPublicKey } from '@countersign/core'
import { hex, type Peer, printable, type Trust } from '@countersign/core/protocol'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { CliError } from '../cli/exit.ts'
import { type About, readAbout } from './about.ts'
import { type Link, linksBehind, type Links, type OnProblem, readLinks } from './chains.ts'
import { isGone } from './files.ts'
import { type HomePaths, isName } from './layout.ts'
import { requireUnwritable } from './permissions.ts'

/** A peer of this home. */
export interface TrustedPeer extends Peer {
  readonly name: string
  /** The oldest key of its accepted chain first, the pinned one last */
  readonly keys: readonly PublicKey[]
  /** The pinned key */
  readonly publicKey: PublicKey
  readonly about: About
  readonly path: string
}

/** A key that is refused for good. */
export interface RevokedKey {
  readonly name: string
  readonly publicKey: PublicKey
  readonly about: About
  readonly path: string
}

/** A file that was left out, and why. */
export interface Problem {
  readonly path: string
  readonly error: unknown
}

/** A key that verifies evidence: also an old or a revoked one, with its dates. */
export interface EvidenceKey {
  readonly name: string
  readonly publicKey: PublicKey
  /** Since when, as its file says */
  readonly since?: string
  /** Until when it was good for new messages, where a rotation ended it; ms since 1970, UTC */
  readonly until?: number
  readonly revoked: boolean
}

interface KeyFile {
  readonly name: string
  readonly publicKey: PublicKey
  readonly about: About
  readonly path: string
}

/** Parsed files by path, so that a reload of a large home costs only what changed. */
export type KeyFileCache = Map<string, { readonly stamp: string; readonly file: KeyFile }>

interface Known {
  readonly peer: TrustedPeer
  readonly publicKey: PublicKey
  readonly about: About
  readonly until: number
}

export class TrustStore {
  readonly peers: readonly TrustedPeer[]
  readonly revoked: readonly RevokedKey[]
  readonly problems: readonly Problem[]
  /** Why nobody at all is trusted: a whole folder that others can write */
  readonly failure: unknown
  /** When the overlaps of peers' keys end, or have ended; ms since 1970, UTC */
  readonly ends: readonly number[]
  readonly #known: Map<string, Known> = new Map()
  readonly #revoked: Map<string, RevokedKey> = new Map()

  /**
   * @param own this home's own keys, which are no peer's
   */
  constructor(paths: HomePaths, own: readonly PublicKey[], cache: KeyFileCache = new Map()) {
    const problems: Problem[] = []
    const onProblem = (path: string, error: unknown): void => void problems.push({ path, error })
    try {
      // In the order opposite to that in which they are written, as other processes may write meanwhile: whoever revokes writes
      // the tombstone before the peer's file goes, and whoever accepts a rotation writes the link before the peer's new key, which
      // can be revoked from then on. So a key is never seen without its tombstone or its chain.
      const peers = readKeyFiles(paths.peers, 'left out', cache, onProblem)
      const revoked = readKeyFiles(paths.revoked, 'counts', cache, onProblem)
      const links = readLinks(paths, onProblem)
      this.revoked = this.#takeRevoked(revoked, links)
      this.peers = this.#takePeers(peers, links, new Set(own.map(idOf)), onProblem)
    } catch (error) {
      onProblem(paths.home, error)
      this.failure = error
      this.revoked = []
      this.peers = []
      this.#known.clear()
    }
    this.problems = problems
    this.ends = [...this.#known.values()].flatMap(({ until }) => (until === Infinity ? [] : [until]))
  }

  /** What is known of a keyId now: what a handshake asks. */
  trust(keyId: Uint8Array, now: number): Trust {
    const id = hex(keyId)
    const revoked = this.#revoked.get(id)
    if (revoked) return { revoked: revoked.publicKey }
    const known = this.#known.get(id)
    return known && now <= known.until ? { peer: known.peer } : undefined
  }

  /** The key that verifies what was signed at any time, however it fared since. */
  evidence(keyId: Uint8Array): EvidenceKey | undefined {
    const id = hex(keyId)
    const revoked = this.#revoked.get(id)
    if (revoked) return { ...dates(revoked), revoked: true }
    const known = this.#known.get(id)
    if (!known) return undefined
    const { peer, until, publicKey, about } = known
    return { ...dates({ name: peer.name, publicKey, about }), ...(until !== Infinity && { until }), revoked: false }
  }

  /** The file of the peer, or of the tombstone, to whose chain a key belongs. */
  ownerOf(keyId: Uint8Array): string | undefined {
    const id = hex(keyId)
    return this.#revoked.get(id)?.path ?? this.#known.get(id)?.peer.path
  }

  /** Whether this key is revoked here, or belongs to a chain that is. */
  revokedKey(publicKey: PublicKey): RevokedKey | undefined {
    return this.#revoked.get(idOf(publicKey))
  }

  /** The peer whose pinned or earlier key this is. */
  peerOf(publicKey: PublicKey): TrustedPeer | undefined {
    return this.#known.get(idOf(publicKey))?.peer
  }

  peer(name: string): TrustedPeer | undefined {
    return this.peers.find((peer) => peer.name === name)
  }

  #takeRevoked(files: readonly KeyFile[], links: Links): readonly RevokedKey[] {
    for (const file of files) {
      this.#revoked.set(idOf(file.publicKey), file)
      // Who revokes a peer revokes the keys that vouched for its present one too.
      for (const { old } of linksBehind(links, file.publicKey)) this.#revoked.set(idOf(old), { ...file, publicKey: old })
    }
    return files
  }

  #takePeers(files: readonly KeyFile[], links: Links, own: ReadonlySet<string>, onProblem: OnProblem): TrustedPeer[] {
    const peers: TrustedPeer[] = []
    for (const file of files) {
      const refusal = this.#refusal(file, own)
      if (refusal) {
        onProblem(file.path, refusal)
        continue
      }
      const behind = linksBehind(links, file.publicKey)
      const peer: TrustedPeer = { ...file, keys: [...behind.map(({ old }) => old).toReversed(), file.publicKey] }
      this.#known.set(idOf(file.publicKey), { peer, publicKey: file.publicKey, about: file.about, until: Infinity })
      for (const link of behind) this.#remember(link, peer)
      peers.push(peer)
    }
    return peers
  }

  #remember({ old, about, rotation: { notAfter } }: Link, peer: TrustedPeer): void {
    this.#known.set(idOf(old), { peer, publicKey: old, about, until: notAfter })
  }

  #refusal({ name, publicKey, path }: KeyFile, own: ReadonlySet<string>): CliError | undefined {
    const refuse = (what: string): CliError =>
      new CliError('CONFLICT', `${path} ${what}; it was not trusted`, `remove it: \`keys forget ${name}\``)
    const id = idOf(publicKey)
    if (own.has(id)) return refuse("holds this home's own key")
    if (this.#revoked.has(id)) return refuse('holds a revoked key')
    const same = this.#known.get(id)
    return same && refuse(`holds the same key as ${basename(same.peer.path)}`)
  }
}

function idOf(publicKey: PublicKey): string {
  return hex(publicKey.id)
}

function dates({ name, publicKey, about }: Pick<KeyFile, 'name' | 'publicKey' | 'about'>): Omit<EvidenceKey, 'revoked'> {
  return { name, publicKey, ...(about.date !== undefined && { since: about.date }) }
}

/** What follows from a file that others can write, or that is called like no key: a peer is not trusted by it, but a tombstone stands. */
type DoubtfulFile = 'left out' | 'counts'

/** The keys of a folder by name; a file that is no good is a problem of its own, and the others count. */
function readKeyFiles(folder: string, doubtful: DoubtfulFile, cache: KeyFileCache, onProblem: OnProblem): KeyFile[] {
  if (!existsSync(folder)) return []
  requireUnwritable(folder)
  const paths = readdirSync(folder).filter((name) => name.endsWith('.pem') && !name.startsWith('.'))
  return paths.toSorted().flatMap((name) => {
    const path = join(folder, name)
    try {
      requireUnwritable(path)
    } catch (error) {
      if (isGone(path, error)) return []
      onProblem(path, error)
      if (doubtful === 'left out') return []
    }
    try {
      return [readKeyFile(path, doubtful, cache)]
    } catch (error) {
      if (!isGone(path, error)) onProblem(path, error)
      return []
    }
  })
}

function readKeyFile(path: string, doubtful: DoubtfulFile, cache: KeyFileCache): KeyFile {
  const { mtimeMs, ctimeMs, size, ino } = statSync(path)
  const stamp = [mtimeMs, ctimeMs, size, ino].join()
  const cached = cache.get(path)
  if (cached?.stamp === stamp) return cached.file
  const name = printable(basename(path, '.pem'))
  // A tombstone counts by whatever name somebody has put it there in haste.
  if (!isName(name) && doubtful === 'left out') {
    const hint = 'rename it: 1 to 64 of a-z, 0-9, dot, underscore and hyphen, and .pem'
    throw new CliError('USAGE', `${path} has a name that no key may have; it was not trusted`, hint)
  }
  const text = readFileSync(path, 'utf8')
  const file = { name, publicKey: readPublicKey(text), about: readAbout(text), path }
  cache.set(path, { stamp, file })
  return file
}
