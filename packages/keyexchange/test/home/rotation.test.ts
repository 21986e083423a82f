/** A new key, vouched for by the old one: what each side has during the overlap and after it, and what is refused. */
import { generatePrivateKey, identity, type PublicKey, publicKeyPem } from '@countersign/core'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkPin, revoke } from '../../src/home/pin.ts'
import { acceptRotation, rotate } from '../../src/home/rotate.ts'
import { isoDate } from '../../src/home/about.ts'
import { rotationFile } from '../../src/home/rotation.ts'
import { contentOf } from '../program.ts'
import { drop, makeHome, never, open, trustIn } from './homes.ts'

const WEEK = 7 * 86_400_000

async function rotated(): Promise<{ ours: string; theirs: string; old: PublicKey; next: PublicKey; statement: string }> {
  const [ours, theirs] = [await makeHome(), await makeHome()]
  const old = open(ours).publicKey
  drop(theirs, 'peers/ada.pem', `date: 2026-01-01T00:00:00Z\n${publicKeyPem(old)}`)
  const { publicKey, statement } = await rotate(open(ours).paths, never, WEEK)
  return { ours, theirs, old, next: publicKey, statement: contentOf(statement) }
}

test('during the overlap this side has both identities, the present one first; afterwards one, and the old private key is gone', async () => {
  const { ours, old, next } = await rotated()
  const during = await open(ours).identities()
  expect(during.map(({ publicKey }) => publicKey.fingerprint)).toEqual([next.fingerprint, old.fingerprint])
  expect(open(ours).keys.map(({ fingerprint }) => fingerprint)).toEqual([old.fingerprint, next.fingerprint])
  const after = open(ours, () => Date.now() + WEEK + 1000)
  expect((await after.identities()).map(({ publicKey }) => publicKey.fingerprint)).toEqual([next.fingerprint])
  expect(() => contentOf(ours, 'client/previous.pem')).toThrow('ENOENT')
  expect(after.evidence(old.id)).toMatchObject({ name: 'ada', revoked: false, until: expect.any(Number) as number })
})

test('a peer that accepts trusts both keys as one chain until the overlap is over, then the new one', async () => {
  const { theirs, old, next, statement } = await rotated()
  expect(acceptRotation(open(theirs), statement)).toMatchObject({ name: 'ada', existed: false })
  const home = open(theirs)
  expect([trustIn(home, old), trustIn(home, next)]).toEqual(['ada', 'ada'])
  expect(home.peer('ada').keys.map(({ fingerprint }) => fingerprint)).toEqual([old.fingerprint, next.fingerprint])
  const later = open(theirs, () => Date.now() + WEEK + 1000)
  expect([trustIn(later, old), trustIn(later, next)]).toEqual([undefined, 'ada'])
  expect(later.peer('ada').keys).toHaveLength(2)
  expect(later.evidence(old.id)).toMatchObject({ name: 'ada', since: '2026-01-01T00:00:00Z', revoked: false })
  expect(later.evidence(old.id)!.until).toBeGreaterThan(Date.now())
  expect(acceptRotation(later, statement)).toMatchObject({ name: 'ada', existed: true })
})

test('the keys of one chain are one side’s, also once it is revoked; those of two chains are not', async () => {
  const { ours, theirs, old, next, statement } = await rotated()
  const other = generatePrivateKey().publicKey
  drop(theirs, 'peers/ben.pem', publicKeyPem(other))
  const same = (root: string, ...[a, b]: [PublicKey, PublicKey]): boolean => open(root).sameChain(a.id, b.id)
  expect([same(theirs, old, next), same(ours, old, next), same(ours, next, other)]).toEqual([false, true, false])
  acceptRotation(open(theirs), statement)
  expect([same(theirs, old, next), same(theirs, next, old), same(theirs, old, other)]).toEqual([true, true, false])
  revoke(open(theirs).paths, 'ada')
  expect([same(theirs, old, next), same(theirs, next, other)]).toEqual([true, false])
})

test('who revokes the new key revokes those that vouched for it', async () => {
  const { theirs, old, next, statement } = await rotated()
  acceptRotation(open(theirs), statement)
  revoke(open(theirs).paths, 'ada')
  expect([old, next].map((key) => trustIn(open(theirs), key))).toEqual(['revoked', 'revoked'])
})

test('is refused where the old key is revoked', async () => {
  const { theirs, statement } = await rotated()
  revoke(open(theirs).paths, 'ada')
  expect(() => acceptRotation(open(theirs), statement)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
})

test('is refused where the new key is revoked', async () => {
  const { theirs, next, statement } = await rotated()
  drop(theirs, 'revoked/x.pem', publicKeyPem(next))
  expect(() => acceptRotation(open(theirs), statement)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
})

test('is refused where the old key has another successor', async () => {
  const { ours, theirs, old, statement } = await rotated()
  acceptRotation(open(theirs), statement)
  const [, previous] = await open(ours).identities()
  const other = await rotationFile(previous!, identity(generatePrivateKey()), Date.now(), Date.now() + WEEK)
  expect(() => acceptRotation(open(theirs), other)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
  expect(trustIn(open(theirs), old)).toBe('ada')
})

test('may have an overlap that ends past all calendars, and is still told of', async () => {
  const { theirs, ours, old } = await rotated()
  const [present, previous] = await open(ours).identities()
  const endless = await rotationFile(previous!, present, Date.now(), 2 ** 53)
  expect(isoDate(acceptRotation(open(theirs), endless).notAfter)).toBe('+275760-09-13T00:00:00Z')
  expect(trustIn(open(theirs), old)).toBe('ada')
})

test('is refused once its overlap is over', async () => {
  const [ours, theirs] = [await makeHome(), await makeHome()]
  drop(theirs, 'peers/ada.pem', publicKeyPem(open(ours).publicKey))
  const { statement } = await rotate(open(ours).paths, never, 0)
  expect(() => acceptRotation(open(theirs), contentOf(statement))).toThrow(expect.objectContaining({ code: 'EVIDENCE' }))
})

test('is refused where no peer has the old key, or another key signed for it', async () => {
  const { theirs, next, statement } = await rotated()
  rmSync(join(theirs, 'client/peers/ada.pem'))
  expect(() => acceptRotation(open(theirs), statement)).toThrow(expect.objectContaining({ code: 'MISSING' }))

  const victim = generatePrivateKey().publicKey
  const mallory = identity(generatePrivateKey())
  drop(theirs, 'peers/ada.pem', publicKeyPem(victim))
  const forged = await rotationFile({ ...mallory, publicKey: victim }, mallory, Date.now(), Date.now() + WEEK)
  expect(() => acceptRotation(open(theirs), forged)).toThrow(expect.objectContaining({ code: 'EVIDENCE' }))
  const unsigned = await rotationFile(mallory, { ...mallory, publicKey: next }, Date.now(), Date.now() + WEEK)
  expect(() => acceptRotation(open(theirs), unsigned)).toThrow(expect.objectContaining({ code: 'BAD_SIGNATURE' }))
})

test('a link dropped into chains/ that its old key did not sign is no link', async () => {
  const { theirs, old } = await rotated()
  const mallory = identity(generatePrivateKey())
  const forged = await rotationFile({ ...mallory, publicKey: old }, mallory, Date.now(), Date.now() + WEEK)
  mkdirSync(join(theirs, 'client/chains'), { recursive: true })
  drop(theirs, 'chains/x.rotation', forged)
  drop(theirs, 'chains/x.pem', publicKeyPem(old))
  drop(theirs, 'peers/ada.pem', publicKeyPem(mallory.publicKey))
  const home = open(theirs)
  expect(trustIn(home, old)).toBeUndefined()
  expect(home.problems).toHaveLength(1)
})

test('at the end of the overlap a program that runs erases the old private key, and is itself no more by it', async () => {
  const root = await makeHome()
  let now = Date.now()
  const home = open(root, () => now)
  const { publicKey } = await rotate(home.paths, never, 60_000)
  home.reload()
  expect(await home.identities()).toHaveLength(2)
  now += 120_000
  home.reload()
  expect((await home.identities()).map((one) => one.publicKey.id)).toEqual([publicKey.id])
  expect(() => contentOf(home.paths.previous)).toThrow('ENOENT')
})

test('may follow one whose overlap is over, also where nothing has opened the home since', async () => {
  const root = await makeHome()
  const { paths, publicKey: first } = open(root)
  const { publicKey: second } = await rotate(paths, never, -1000)
  await expect(rotate(paths, never, WEEK)).resolves.toMatchObject({ old: { fingerprint: second.fingerprint } })
  await expect(rotate(paths, never, WEEK)).rejects.toMatchObject({ code: 'EXISTS' })
  const home = open(root)
  expect(home.keys.slice(0, 2).map(({ fingerprint }) => fingerprint)).toEqual([first.fingerprint, second.fingerprint])
  expect((await home.identities()).at(-1)!.publicKey.fingerprint).toBe(second.fingerprint)
})

test('once its overlap is over an old key is not said to be trusted by a swap or an import', async () => {
  const { theirs, old, next, statement } = await rotated()
  acceptRotation(open(theirs), statement)
  expect(checkPin(open(theirs), 'ada', old)).toMatchObject({ existed: true })
  const later = open(theirs, () => Date.now() + WEEK + 1000)
  expect(checkPin(later, 'ada', next)).toMatchObject({ existed: true })
  expect(() => checkPin(later, 'ada', old)).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
})
