/** The folder chains/: accepted rotations, and the old public keys that verify old evidence. */
import { PeerError, type PublicKey, readPublicKey } from '@countersign/core'
import { hex } from '@countersign/core/protocol'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type About, readAbout } from './about.ts'
import { isGone } from './files.ts'
import type { HomePaths } from './layout.ts'
import { requireUnwritable } from './permissions.ts'
import { readRotation, type Rotation, vouches } from './rotation.ts'

/** A key that has a successor. */
export interface Link {
  readonly old: PublicKey
  readonly about: About
  readonly rotation: Rotation
}

export function chainPaths({ chains }: HomePaths, oldKeyId: Uint8Array): { publicKey: string; rotation: string } {
  const name = hex(oldKeyId.subarray(0, 16))
  return { publicKey: join(chains, `${name}.pem`), rotation: join(chains, `${name}.rotation`) }
}

export type OnProblem = (path: string, error: unknown) => void

/** Links by the keyId of the newer key, in hexadecimal: a chain is walked from its newest key back. */
export type Links = ReadonlyMap<string, Link>

/** Reads and verifies every link; what does not verify is a problem, and no link. */
export function readLinks(paths: HomePaths, onProblem: OnProblem): Links {
  const links = new Map<string, Link>()
  if (!existsSync(paths.chains)) return links
  requireUnwritable(paths.chains)
  const files = readdirSync(paths.chains).filter((name) => name.endsWith('.rotation'))
  for (const file of files.toSorted()) {
    const path = join(paths.chains, file)
    try {
      const link = readLink(path)
      links.set(hex(link.rotation.successor.id), link)
    } catch (error) {
      if (!isGone(path, error)) onProblem(path, error)
    }
  }
  return links
}

function readLink(path: string): Link {
  const keyPath = path.replace(/rotation$/, 'pem')
  requireUnwritable(path)
  requireUnwritable(keyPath)
  const rotation = readRotation(readFileSync(path, 'utf8'))
  const file = readFileSync(keyPath, 'utf8')
  const old = readPublicKey(file)
  if (!vouches(old, rotation)) throw new PeerError('BAD_SIGNATURE', `the old key did not sign ${path}`)
  return { old, about: readAbout(file), rotation }
}

/** The links that lead to this key, the newest first. */
export function linksBehind(links: Links, publicKey: PublicKey): Link[] {
  const behind: Link[] = []
  let link = links.get(hex(publicKey.id))
  while (link && !behind.includes(link)) {
    behind.push(link)
    link = links.get(hex(link.old.id))
  }
  return behind
}

/** The links that lead to this home's own key; what is wrong in the folder is for TrustStore to say. */
export function ownLinks(paths: HomePaths, own: PublicKey): Link[] {
  return linksBehind(
    readLinks(paths, () => {}),
    own,
  )
}
