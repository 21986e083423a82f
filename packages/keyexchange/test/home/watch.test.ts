/** What a program that runs notices of its home. */
import { generatePrivateKey, identity, publicKeyPem } from '@countersign/core'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { forget, revoke } from '../../src/home/pin.ts'
import { acceptRotation, rotate } from '../../src/home/rotate.ts'
import { rotationFile } from '../../src/home/rotation.ts'
import { drop, makeHome, never, open, problemsOf, trustIn } from './homes.ts'

test('a new peer, a revocation and a folder that has become unsafe are noticed while a program runs', async () => {
  const root = await makeHome()
  const ben = generatePrivateKey().publicKey
  const home = open(root)
  let changed = Promise.withResolvers<void>()
  using _ = home.watch(() => changed.resolve())
  const change = async (act: () => unknown, until: () => boolean): Promise<void> => {
    act()
    while (!until()) {
      await changed.promise
      changed = Promise.withResolvers()
    }
  }
  await change(
    () => drop(root, 'peers/ben.pem', publicKeyPem(ben)),
    () => trustIn(home, ben) === 'ben',
  )
  await change(
    () => revoke(home.paths, 'ben'),
    () => trustIn(home, ben) === 'revoked',
  )
  await change(
    () => drop(root, 'peers/cyd.pem', publicKeyPem(generatePrivateKey().publicKey)),
    () => home.peers.length === 1,
  )
  await change(
    () => chmodSync(join(root, 'client/peers'), 0o777),
    () => home.peers.length === 0,
  )
  expect(problemsOf(home)).toEqual([expect.stringMatching(/others can write/)])
})

test('what changed after a home was opened and before it is watched is noticed too, and told', async () => {
  const root = await makeHome()
  const ben = generatePrivateKey().publicKey
  drop(root, 'peers/ben.pem', publicKeyPem(ben))
  const home = open(root)
  for (const folder of [home.paths.revoked, home.paths.chains]) mkdirSync(folder, { recursive: true })
  revoke(home.paths, 'ben')
  const told = Promise.withResolvers<string | undefined>()
  using _ = home.watch(() => told.resolve(trustIn(home, ben)))
  expect(trustIn(home, ben)).toBe('revoked')
  expect(await told.promise).toBe('revoked')
})

test('who is forgotten is not let in any more, even before the program has gone through all that changed', async () => {
  const root = await makeHome()
  const ben = generatePrivateKey().publicKey
  drop(root, 'peers/ben.pem', publicKeyPem(ben))
  const home = open(root)
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  using _ = home.watch(() => {})
  expect(trustIn(home, ben)).toBe('ben')
  forget(home.paths, 'ben')
  // What the system tells is read at each turn; a handshake takes more of them.
  for (let turn = 0; turn < 3; turn++) await setImmediate()
  expect(trustIn(home, ben)).toBeUndefined()
})

test('the end of a peer’s overlap, and of this side’s own, is told to the moment; where the clock was set, within a minute', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const root = await makeHome()
  const [old, next] = [identity(generatePrivateKey()), identity(generatePrivateKey())]
  drop(root, 'peers/ben.pem', publicKeyPem(old.publicKey))
  const [hour, begin] = [3_600_000, Date.now()]
  acceptRotation(open(root), await rotationFile(old, next, begin, begin + hour))
  await rotate(open(root).paths, never, 2 * hour)
  const home = open(root)
  const told: [ms: number, ben: string | undefined, own: number][] = []
  const tell = async (): Promise<void> =>
    void told.push([Date.now() - begin, trustIn(home, old.publicKey), (await home.identities()).length])
  using _ = home.watch(() => void tell())
  await vi.advanceTimersByTimeAsync(hour)
  expect(told).toEqual([[20, 'ben', 2]])
  await vi.advanceTimersByTimeAsync(100)
  expect(told.slice(1)).toEqual([[hour + 21, undefined, 2]])
  vi.setSystemTime(begin + 3 * hour)
  await vi.advanceTimersByTimeAsync(61_000)
  expect(told.slice(2).map(([, ...ones]) => ones)).toContainEqual([undefined, 1])
})

test('a program that runs notices a rotation of its own key, and stays who it was where that cannot be read', async () => {
  const root = await makeHome()
  const home = open(root)
  const old = home.publicKey
  let changed = Promise.withResolvers<void>()
  using _ = home.watch(() => changed.resolve())
  const change = async (until: () => boolean): Promise<void> => {
    while (!until()) {
      await changed.promise
      changed = Promise.withResolvers()
    }
  }
  const { publicKey } = await rotate(home.paths, never, 60_000)
  await change(() => home.publicKey.fingerprint === publicKey.fingerprint)
  expect((await home.identities()).map((one) => one.publicKey.id)).toEqual([publicKey.id, old.id])
  expect(home.keys.map(({ id }) => id)).toEqual([old.id, publicKey.id])
  chmodSync(home.paths.identity, 0o644)
  await change(() => home.problems.length > 0)
  expect(problemsOf(home)).toEqual([expect.stringMatching(/others can read the private key/)])
  expect(home.publicKey.fingerprint).toBe(publicKey.fingerprint)
})
