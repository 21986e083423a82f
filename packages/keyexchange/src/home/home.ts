/** An opened home: who this side is and whom it trusts, kept up to date. */
import { identity, type Identity, type PublicKey } from '@countersign/core'
import { equal, hex, type Trust } from '@countersign/core/protocol'
import { existsSync, type FSWatcher, watch } from 'node:fs'
import { basename } from 'node:path'
import { CliError } from '../cli/exit.ts'
import type { About } from './about.ts'
import { type Link, ownLinks } from './chains.ts'
import { makeFolder, removeFile } from './files.ts'
import { homePaths, type HomePaths, resolveRoot, type Role } from './layout.ts'
import { type AskPassphrase, ownChain, type OwnKey, readOwn, readPrevious, unlock } from './own.ts'
import { type EvidenceKey, type KeyFileCache, type Problem, type RevokedKey, type TrustedPeer, TrustStore } from './trust.ts'

/** Which home, of which role, and how to ask for a passphrase. */
export interface OpenHomeOptions {
  /** As `--root` says it; where undefined, as the environment says */
  readonly root?: string | undefined
  readonly role: Role
  /** Asked once for each private key that has a passphrase */
  readonly passphrase?: AskPassphrase
  /** The clock; ms since 1970, UTC */
  readonly now?: () => number
}

/**
 * Opens a home of keys.
 *
 * @throws CliError MISSING where it has no key, PERMISSIONS where others can read the private key or write the home;
 *   LocalError KEY_... where its own key is no good. A peer's file that is no good is one of `problems` instead.
 */
export function openHome({ root, role, passphrase = noPassphrase, now = Date.now }: OpenHomeOptions): Home {
  return new Home(homePaths(resolveRoot(root), role), passphrase, now)
}

function noPassphrase(path: string): never {
  throw new CliError('BAD_KEY', `${path} has a passphrase and none was given`, 'give it by --passphrase-file')
}

/** How often a running program looks at least whether an overlap is over: clocks are set, and machines sleep; ms */
const OVERLAP_CHECK = 60_000

/** The keys of one side, and whom it trusts: files, as they stand now. */
export class Home {
  readonly paths: HomePaths
  readonly #ask: AskPassphrase
  readonly #now: () => number
  readonly #cache: KeyFileCache = new Map()
  readonly #identities: Map<string, Promise<Identity>> = new Map()
  #own: OwnKey
  /** Those that lead to its key, the newest first */
  #links: readonly Link[]
  #keys: readonly PublicKey[]
  /** Why this side's own key could not be read anew */
  #ownProblem: Problem | undefined
  #store: TrustStore
  /** Files are others than when they were read, as far as is known */
  #changed = false

  /** @internal For `openHome` alone. */
  constructor(paths: HomePaths, ask: AskPassphrase, now: () => number) {
    this.paths = paths
    this.#ask = ask
    this.#now = now
    this.#own = readOwn(paths)
    this.#links = ownLinks(paths, this.#own.publicKey)
    this.#keys = ownChain(this.#links, this.#own)
    this.#store = new TrustStore(paths, this.#keys, this.#cache)
    if (this.#store.failure !== undefined) throw this.#store.failure
    this.#erasePreviousWhenOver()
  }

  /** This side's present key. */
  get publicKey(): PublicKey {
    return this.#own.publicKey
  }

  /** This side's keys, the oldest of its chain first, the present one last. */
  get keys(): readonly PublicKey[] {
    return this.#keys
  }

  /** What this side calls itself to peers. */
  get name(): string {
    return this.#own.about.name ?? this.paths.role
  }

  /** What the file of this side's key says about it. */
  get about(): About {
    return this.#own.about
  }

  /** Where this role's journal or outbox stands; the folder may not exist yet. */
  get stateFolder(): string {
    return this.paths.state
  }

  /** Files that were left out, and why: to be shown to the operator, whenever they change. */
  get problems(): readonly Problem[] {
    return this.#ownProblem ? [this.#ownProblem, ...this.#store.problems] : this.#store.problems
  }

  /** Everybody who is trusted. */
  get peers(): readonly TrustedPeer[] {
    return this.#store.peers
  }

  /** The keys that are revoked here. */
  get revoked(): readonly RevokedKey[] {
    return this.#store.revoked
  }

  /** What is known of a keyId at this moment: a peer, a revoked key, or nothing. */
  trust(keyId: Uint8Array): Trust {
    if (this.#changed) this.reload()
    return this.#store.trust(keyId, this.#now())
  }

  /** The key that verifies evidence, also after its rotation or revocation; this side's own keys too. */
  evidence(keyId: Uint8Array): EvidenceKey | undefined {
    return this.#store.evidence(keyId) ?? this.#ownEvidence(keyId)
  }

  /** Whether two keys are one side's, by rotations that are known here: this side's own, a peer's, or a revoked peer's. */
  sameChain(a: Uint8Array, b: Uint8Array): boolean {
    const own = (keyId: Uint8Array): boolean => this.#keys.some(({ id }) => equal(id, keyId))
    if (own(a)) return own(b)
    const owner = this.#store.ownerOf(a)
    return owner !== undefined && owner === this.#store.ownerOf(b)
  }

  /** The peer whose present or earlier key this is. */
  peerOf(publicKey: PublicKey): TrustedPeer | undefined {
    return this.#store.peerOf(publicKey)
  }

  /** The tombstone of this key, where it has one. */
  revokedKey(publicKey: PublicKey): RevokedKey | undefined {
    return this.#store.revokedKey(publicKey)
  }

  /**
   * A peer by name, or the only one there is.
   *
   * @throws CliError MISSING where there is none, USAGE where a name must be said
   */
  peer(name?: string): TrustedPeer {
    const { peers } = this
    if (name === undefined && peers.length > 1) {
      const names = peers.map((peer) => peer.name).join(', ')
      throw new CliError('USAGE', 'this home trusts several peers', `name one of them: ${names}`)
    }
    const found = name === undefined ? peers[0] : this.#store.peer(name)
    if (found) return found
    const problem = this.problems.find(({ path }) => name !== undefined && basename(path) === `${name}.pem`)
    if (problem) throw problem.error
    const what = name === undefined ? 'this home trusts no peer yet' : `this home has no peer named ${name}`
    throw new CliError('MISSING', what, 'swap keys with it: `keys swap`, or see `keys list`')
  }

  /**
   * This side's identities: the present one first, then the one before it while their overlap lasts. Each passphrase is
   * asked for once, however often this is called.
   *
   * @throws LocalError KEY_PASSPHRASE; CliError CONFLICT where the files of this home contradict each other
   */
  async identities(): Promise<[Identity, ...Identity[]]> {
    const present = await this.#identity(this.#own)
    const previous = readPrevious(this.paths, this.#own)
    if (!previous || this.#endOfOverlap(previous.publicKey) < this.#now()) return [present]
    return [present, await this.#identity(previous)]
  }

  #identity(own: OwnKey): Promise<Identity> {
    const id = hex(own.publicKey.id)
    let unlocked = this.#identities.get(id)
    if (!unlocked) {
      unlocked = unlock(own, this.#ask).then(identity)
      this.#identities.set(id, unlocked)
      unlocked.catch(() => this.#identities.delete(id))
    }
    return unlocked
  }

  /**
   * Notices changed peers, revocations and rotations, also this side's own, while a program runs, and the ends of their overlaps.
   *
   * @param onChange is called after this home shows the change, and once as the watch begins; never before this returns
   * @returns what ends the watch when disposed of
   */
  watch(onChange: () => void): Disposable {
    let pending: NodeJS.Timeout | undefined
    const notice = (): void => {
      // Who is let in is decided by what stands there now.
      this.#changed = true
      // One change makes several events: a temporary file, its name, its removal.
      pending ??= setTimeout(() => {
        pending = undefined
        this.reload()
        lookInTime()
        onChange()
      }, 20)
    }
    let timer: NodeJS.Timeout | undefined
    const lookInTime = (): void => {
      clearTimeout(timer)
      timer = setTimeout(look, this.#untilNextEnd()).unref()
    }
    let looked = this.#now()
    const look = (): void => {
      const now = this.#now()
      if (this.#overlapEnded(looked, now)) notice()
      looked = now
      lookInTime()
    }
    const { home, peers, revoked, chains } = this.paths
    const watchers: FSWatcher[] = [home, peers, revoked, chains].map((folder) => {
      makeFolder(folder)
      return watch(folder, { persistent: false }, notice)
    })
    // Since this home was read a passphrase may have been typed: what changed meanwhile no watcher has told.
    notice()
    lookInTime()
    return {
      [Symbol.dispose]() {
        clearTimeout(pending)
        clearTimeout(timer)
        for (const watcher of watchers) watcher.close()
      },
    }
  }

  /** When overlaps end, or have ended: this side's and its peers'; ms since 1970, UTC */
  *#ends(): Iterable<number> {
    for (const { rotation } of this.#links) yield rotation.notAfter
    yield* this.#store.ends
  }

  /** Whether a key was good until some time between these two, or an old private key lies about behind its overlap. */
  #overlapEnded(from: number, to: number): boolean {
    for (const end of this.#ends()) if (from <= end && end < to) return true
    const [own] = this.#links
    return own !== undefined && own.rotation.notAfter < to && existsSync(this.paths.previous)
  }

  /** How long it is until a key is good no more, or until it is time to look at the clock again; ms */
  #untilNextEnd(): number {
    const now = this.#now()
    let ms = OVERLAP_CHECK
    for (const end of this.#ends()) if (end >= now) ms = Math.min(ms, end + 1 - now)
    return ms
  }

  /**
   * Reads everything anew. Where that is not safe any more, nobody is trusted, and this side stays who it was; `problems`
   * says why.
   */
  reload(): void {
    this.#changed = false
    try {
      const own = readOwn(this.paths)
      this.#links = ownLinks(this.paths, own.publicKey)
      this.#keys = ownChain(this.#links, own)
      this.#own = own
      this.#ownProblem = undefined
      this.#erasePreviousWhenOver()
    } catch (error) {
      this.#ownProblem = { path: this.paths.identity, error }
    }
    this.#store = new TrustStore(this.paths, this.#keys, this.#cache)
  }

  #ownEvidence(keyId: Uint8Array): EvidenceKey | undefined {
    const publicKey = this.keys.find((key) => equal(key.id, keyId))
    if (!publicKey) return undefined
    const until = this.#endOfOverlap(publicKey)
    return { name: this.name, publicKey, ...(until !== -Infinity && { until }), revoked: false }
  }

  /** When the overlap of one of this side's earlier keys ends; -Infinity for a key without a successor. */
  #endOfOverlap(old: PublicKey): number {
    return this.#links.find((link) => equal(link.old.id, old.id))?.rotation.notAfter ?? -Infinity
  }

  /** After the overlap the old private key must not lie about any longer, nor stay in memory. */
  #erasePreviousWhenOver(): void {
    const previous = readPrevious(this.paths, this.#own)
    if (!previous) return
    const end = this.#endOfOverlap(previous.publicKey)
    if (end === -Infinity || end >= this.#now()) return
    removeFile(this.paths.previous)
    this.#identities.delete(hex(previous.publicKey.id))
  }
}
