/** What an opened home knows, and what it refuses to believe. */
import { generatePrivateKey, privateKeyPem, publicKeyPem } from '@countersign/core'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createHome } from '../../src/home/create.ts'
import { openHome } from '../../src/home/home.ts'
import { homePaths, resolveRoot } from '../../src/home/layout.ts'
import { pin, revoke } from '../../src/home/pin.ts'
import { contentOf, modeOf, temporaryFolder } from '../program.ts'
import { drop, makeHome, open, problemsOf, trustIn } from './homes.ts'

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

  test('a tombstone stands whatever it is called, and what is of no key keeps nobody from being revoked', async () => {
    const root = await makeHome()
    const [ben, cyd] = [generatePrivateKey().publicKey, generatePrivateKey().publicKey]
    drop(root, 'peers/ben.pem', publicKeyPem(ben))
    drop(root, 'peers/cyd.pem', publicKeyPem(cyd))
    drop(root, 'revoked/Stolen by \u001b[2J.pem', publicKeyPem(ben))
    drop(root, 'revoked/cyd.pem', 'of no key')
    revoke(open(root).paths, 'cyd')
    const home = open(root)
    expect([ben, cyd].map((key) => trustIn(home, key))).toEqual(['revoked', 'revoked'])
    expect(home.revoked.map(({ name }) => name)).toEqual(['Stolen by \\u{1b}[2J', 'cyd-2'])
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
