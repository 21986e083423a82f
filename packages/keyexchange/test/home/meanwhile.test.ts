/** What another process changes in a home while it is read. */
import { generatePrivateKey, identity, type PublicKey, publicKeyPem } from '@countersign/core'
import fs, { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Home } from '../../src/home/home.ts'
import { revoke } from '../../src/home/pin.ts'
import { acceptRotation } from '../../src/home/rotate.ts'
import { rotationFile } from '../../src/home/rotation.ts'
import { drop, makeHome, open, problemsOf, trustIn } from './homes.ts'

type Folder = 'peers' | 'revoked' | 'chains'
const FOLDERS: readonly Folder[] = ['peers', 'revoked', 'chains']

/** Reads a home; another process does this right before a folder is listed, or right behind that. */
function reload(home: Home, folder: Folder, when: 'before' | 'behind', act: () => void): void {
  const { readdirSync } = fs
  // The home's own key is looked for in chains/ before the peers are read.
  let listings = folder === 'chains' ? 2 : 1
  const change = (at: typeof when, path: unknown): void => {
    if (path !== home.paths[folder] || at !== when || (listings -= 1) > 0) return
    restore()
    act()
  }
  const restore = (): void => {
    fs.readdirSync = readdirSync
    syncBuiltinESMExports()
  }
  fs.readdirSync = ((path: string) => {
    change('before', path)
    const names = readdirSync(path)
    change('behind', path)
    return names
  }) as typeof readdirSync
  syncBuiltinESMExports()
  try {
    home.reload()
  } finally {
    restore()
  }
  expect(listings).toBe(0)
}

/** A home that trusts ben, whose key has a successor that is not accepted yet. */
async function knowing(): Promise<{ root: string; home: Home; old: PublicKey; next: PublicKey; statement: string }> {
  const root = await makeHome()
  const [old, next] = [identity(generatePrivateKey()), identity(generatePrivateKey())]
  drop(root, 'peers/ben.pem', publicKeyPem(old.publicKey))
  const statement = await rotationFile(old, next, Date.now(), Date.now() + 60_000)
  const home = open(root)
  for (const folder of FOLDERS) mkdirSync(home.paths[folder], { recursive: true })
  return { root, home, old: old.publicKey, next: next.publicKey, statement }
}

test.each(FOLDERS)('a peer whose rotation is accepted before %s is read is one chain still', async (folder) => {
  const { root, home, old, next, statement } = await knowing()
  reload(home, folder, 'before', () => acceptRotation(open(root), statement))
  // Its place in a journal is that of the oldest key.
  expect(home.peer('ben').keys[0]).toEqual(old)
  expect(trustIn(home, old)).toBe('ben')
  expect([undefined, 'ben']).toContain(trustIn(home, next))
  expect(problemsOf(home)).toEqual([])
})

test.each(['peers', 'revoked'] as const)(
  'a peer whose rotation is accepted and who is revoked before %s is read is revoked by all its keys',
  async (folder) => {
    const { root, home, old, next, statement } = await knowing()
    reload(home, folder, 'before', () => {
      acceptRotation(open(root), statement)
      revoke(home.paths, 'ben')
    })
    expect([trustIn(home, old), trustIn(home, next)]).toEqual(['revoked', 'revoked'])
  },
)

test.each(FOLDERS)(
  'what is taken out of %s while that is read is gone, and nothing to warn of; a link to nothing is',
  async (folder) => {
    const { root, home, old } = await knowing()
    const name = folder === 'chains' ? 'x.rotation' : 'x.pem'
    const path = drop(root, `${folder}/${name}`, publicKeyPem(generatePrivateKey().publicKey))
    reload(home, folder, 'behind', () => rmSync(path))
    expect(problemsOf(home)).toEqual([])
    expect([home.peers.length, home.revoked.length, trustIn(home, old)]).toEqual([1, 0, 'ben'])
    symlinkSync(join(root, 'nothing'), path)
    home.reload()
    expect(problemsOf(home).every((problem) => problem.includes('ENOENT'))).toBe(true)
    expect(home.problems.map((problem) => problem.path)).toContain(path)
  },
)
