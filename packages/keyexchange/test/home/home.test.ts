/** What an opened home knows, and what it refuses to believe. */
import { generatePrivateKey, identity, privateKeyPem, type PrivateKey, type PublicKey, publicKeyPem } from '@countersign/core'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { describeFailure } from '../../src/cli/failure.ts'
import { createHome } from '../../src/home/create.ts'
import { type Home, openHome } from '../../src/home/home.ts'
import { homePaths, resolveRoot } from '../../src/home/layout.ts'
import { pin, revoke } from '../../src/home/pin.ts'
import { acceptRotation, rotate } from '../../src/home/rotate.ts'
import { rotationFile } from '../../src/home/rotation.ts'
import { contentOf, modeOf, temporaryFolder } from '../program.ts'

const never = (): never => {
  throw new Error('no key here has a passphrase')
}

async function makeHome(root: string = temporaryFolder(), privateKey: PrivateKey = generatePrivateKey()): Promise<string> {
  await createHome(homePaths(resolveRoot(root), 'client'), { name: 'ada', privateKey })
  return root
}

function open(root: string, now?: () => number): Home {
  return openHome({ root, role: 'client', ...(now && { now }) })
}

function drop(root: string, name: string, content: string): string {
  const path = join(root, 'client', name)
  writeFileSync(path, content, { mode: 0o644 })
  return path
}

function problemsOf(home: Home): string[] {
  return home.problems.map(({ error }) => describeFailure(error).message)
}

/** Whom a home trusts with this key: a name, `revoked`, or nobody. */
function trustIn(home: Home, { id }: PublicKey): string | undefined {
  const trust = home.trust(id)
  return trust && ('peer' in trust ? trust.peer.name : 'revoked')
}

describe('files and modes', () => {
  test('a home is made with these files and modes', async () => {
    const root = await makeHome()
    const modes = ['', 'identity.pem', 'identity.pub.pem', 'peers', 'revoked', 'chains'].map((name) =>
      modeOf(join(root, 'client', name)),
    )
    expect(modes).toEqual(['700', '600', '644', '700', '700', '700'])
  })

  test.each([0o640, 0o604, 0o620, 0o660])('a private key of mode %o is refused', async (mode) => {
    const root = await makeHome()
    const path = join(root, 'client/identity.pem')
    chmodSync(path, mode)
    expect(() => open(root)).toThrow(expect.objectContaining({ code: 'PERMISSIONS', hint: `chmod 600 ${path}` }))
  })

  test.each(['', 'client', 'client/peers', 'client/revoked', 'client/chains'])(
    'a folder that others can write is refused: %s',
    async (name) => {
      const root = await makeHome()
      const path = join(root, name)
      chmodSync(path, 0o770)
      expect(() => open(root)).toThrow(expect.objectContaining({ code: 'PERMISSIONS', hint: `chmod go-w ${path}` }))
    },
  )

  test('a peer’s file that others can write is left out, and the others count', async () => {
    const root = await makeHome()
    const [ben, eve] = [generatePrivateKey().publicKey, generatePrivateKey().publicKey]
    drop(root, 'peers/ben.pem', publicKeyPem(ben))
    chmodSync(drop(root, 'peers/eve.pem', publicKeyPem(eve)), 0o664)
    const home = open(root)
    expect([trustIn(home, ben), trustIn(home, eve)]).toEqual(['ben', undefined])
    expect(problemsOf(home)).toEqual([expect.stringMatching(/others can write .*eve\.pem; what it says was not trusted/)])
    expect(() => home.peer('eve')).toThrow(expect.objectContaining({ code: 'PERMISSIONS' }))
  })

  test('what is written never overwrites', async () => {
    const root = await makeHome()
    const home = open(root)
    drop(root, 'peers/ben.pem', 'not a key\n')
    expect(() => pin(home, 'ben', generatePrivateKey().publicKey, 'a test')).toThrow(expect.objectContaining({ code: 'EXISTS' }))
    expect(contentOf(root, 'client/peers/ben.pem')).toBe('not a key\n')
    await expect(makeHome(root)).rejects.toMatchObject({ code: 'EXISTS' })
  })
})

describe('peers', () => {
  test('a PEM file that is dropped among the peers is trusted, without the tool', async () => {
    const root = await makeHome()
    const ben = generatePrivateKey('ml-dsa-65').publicKey
    drop(root, 'peers/ben.pem', `any text above\n${publicKeyPem(ben)}`)
    expect(trustIn(open(root), ben)).toBe('ben')
  })

  test.each([
    ['a private key', () => privateKeyPem(generatePrivateKey()), /private key stands where/],
    ['no key', () => 'nothing\n', /no PEM block/],
    ['two keys', () => publicKeyPem(generatePrivateKey().publicKey).repeat(2), /more than one PEM block/],
  ])('%s among the peers is left out', async (_, content, what) => {
    const root = await makeHome()
    drop(root, 'peers/ben.pem', content())
    const home = open(root)
    expect(home.peers).toEqual([])
    expect(problemsOf(home)).toEqual([expect.stringMatching(what)])
  })

  test('this home’s own key is no peer', async () => {
    const privateKey = generatePrivateKey()
    const root = await makeHome(temporaryFolder(), privateKey)
    drop(root, 'peers/ben.pem', publicKeyPem(privateKey.publicKey))
    const home = open(root)
    expect(trustIn(home, privateKey.publicKey)).toBeUndefined()
    expect(problemsOf(home)).toEqual([expect.stringMatching(/holds this home's own key; it was not trusted/)])
  })

  test('one key under two names is one peer, and a problem', async () => {
    const root = await makeHome()
    const ben = generatePrivateKey().publicKey
    for (const name of ['ben', 'eve']) drop(root, `peers/${name}.pem`, publicKeyPem(ben))
    const home = open(root)
    expect(trustIn(home, ben)).toBe('ben')
    expect(problemsOf(home)).toEqual([expect.stringMatching(/eve\.pem holds the same key as ben\.pem/)])
  })

  test.each(['Ben.pem', 'b n.pem', '-ben.pem', `${'b'.repeat(65)}.pem`])('%s is no name', async (name) => {
    const root = await makeHome()
    const ben = generatePrivateKey().publicKey
    drop(root, `peers/${name}`, publicKeyPem(ben))
    const home = open(root)
    expect(trustIn(home, ben)).toBeUndefined()
    expect(problemsOf(home)).toEqual([expect.stringMatching(/has a name that no key may have/)])
  })

  test('the only peer needs no name; of several one must be said', async () => {
    const root = await makeHome()
    expect(() => open(root).peer()).toThrow(expect.objectContaining({ code: 'MISSING' }))
    drop(root, 'peers/ben.pem', publicKeyPem(generatePrivateKey().publicKey))
    expect(open(root).peer().name).toBe('ben')
    drop(root, 'peers/cyd.pem', publicKeyPem(generatePrivateKey().publicKey))
    expect(() => open(root).peer()).toThrow(expect.objectContaining({ code: 'USAGE', hint: 'name one of them: ben, cyd' }))
    expect(open(root).peer('cyd').name).toBe('cyd')
  })
})

describe('revocation', () => {
  test('a tombstone refuses the key, also where its peer’s file stands again', async () => {
    const root = await makeHome()
    const ben = generatePrivateKey().publicKey
    drop(root, 'peers/ben.pem', publicKeyPem(ben))
    revoke(open(root).paths, 'ben')
    drop(root, 'peers/again.pem', publicKeyPem(ben))
    const home = open(root)
    expect(trustIn(home, ben)).toBe('revoked')
    expect([home.peers, problemsOf(home)]).toEqual([[], [expect.stringMatching(/again\.pem holds a revoked key/)]])
    expect(() => pin(home, 'third', ben, 'a test')).toThrow(expect.objectContaining({ code: 'CONFLICT' }))
    expect(home.evidence(ben.id)).toMatchObject({ name: 'ben', revoked: true })
  })

  test('a tombstone that others can write still stands', async () => {
    const root = await makeHome()
    const ben = generatePrivateKey().publicKey
    drop(root, 'peers/ben.pem', publicKeyPem(ben))
    chmodSync(drop(root, 'revoked/ben.pem', publicKeyPem(ben)), 0o666)
    const home = open(root)
    expect(trustIn(home, ben)).toBe('revoked')
    expect(problemsOf(home)).toContainEqual(expect.stringMatching(/others can write .*revoked/))
  })

  test('a second key of the same name gets a tombstone of its own', async () => {
    const root = await makeHome()
    const keys = [generatePrivateKey().publicKey, generatePrivateKey().publicKey]
    for (const key of keys) {
      drop(root, 'peers/ben.pem', publicKeyPem(key))
      revoke(open(root).paths, 'ben')
    }
    const home = open(root)
    expect(keys.map((key) => trustIn(home, key))).toEqual(['revoked', 'revoked'])
  })
})

describe('rotation', () => {
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
})

describe('watching', () => {
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
})

test('the passphrase is asked for once, and only where there is one', async () => {
  const root = temporaryFolder()
  const paths = homePaths(resolveRoot(root), 'client')
  await createHome(paths, { name: 'ada', passphrase: 'correct horse' })
  let asked = 0
  const home = openHome({ root, role: 'client', passphrase: () => (asked++, 'correct horse') })
  expect(asked).toBe(0)
  await home.identities()
  await home.identities()
  expect(asked).toBe(1)
  const wrong = openHome({ root, role: 'client', passphrase: () => 'wrong' })
  await expect(wrong.identities()).rejects.toMatchObject({ code: 'KEY_PASSPHRASE' })
})

test('the root is what is named, else COUNTERSIGN_HOME, else the XDG folders, and the state goes with it', () => {
  expect(resolveRoot('/a', { COUNTERSIGN_HOME: '/b' })).toEqual({ homes: '/a', state: '/a/state' })
  expect(resolveRoot(undefined, { COUNTERSIGN_HOME: '/b' })).toEqual({ homes: '/b', state: '/b/state' })
  const xdg = { XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s' }
  expect(resolveRoot(undefined, xdg)).toEqual({ homes: '/c/countersign', state: '/s/countersign' })
})

test('text above a key cannot begin a key of its own', async () => {
  const root = await makeHome()
  const ben = generatePrivateKey().publicKey
  const evil = `x\n${publicKeyPem(generatePrivateKey().publicKey)}`
  pin(open(root), 'ben', ben, evil, evil)
  expect(trustIn(open(root), ben)).toBe('ben')
})
