/** What the commands print, and how they fail. */
import { generatePrivateKey, publicKeyPem } from '@countersign/core'
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Role } from '../../src/home/layout.ts'
import { pem, rsaWithExponentOne, spkiOfRsa } from '../keys.ts'
import { contentOf, file, keys, keysJson, madeHome, modeOf, temporaryFolder } from '../program.ts'

function home(role: Role = 'client'): Promise<string> {
  return madeHome(role, { name: 'ada' })
}

const ben = generatePrivateKey().publicKey
const benFile = (folder: string): string => file(folder, 'ben.pem', publicKeyPem(ben))

describe('each failure is one error line, one hint line and its exit status', () => {
  const bad = (content: string) => (root: string) => ['import', file(root, 'bad.pem', content), '--peer', 'x', '--expect', 'y']
  test.each<[string, number, (root: string) => string[], RegExp]>([
    ['an unknown option', 2, () => ['list', '--jsn'], /hint: did you mean --json\?/],
    ['an unknown command', 2, () => ['lst'], /error: there is no command lst\nhint: did you mean list\?/],
    ['a missing argument', 2, () => ['revoke'], /error: missing required argument 'name'/],
    ['an option without its value', 2, () => ['init', '--type'], /argument missing/],
    ['a type that is not used', 2, () => ['init', '--type', 'dsa'], /Allowed choices are ed25519, rsa, ml-dsa-65/],
    ['a size that is not used', 2, () => ['init', '--type', 'rsa', '--bits', '1024'], /2048, 3072 or 4096/],
    ['a size of a key that has none', 2, () => ['init', '--bits', '2048'], /--bits says nothing of ed25519/],
    ['a name that is none', 2, () => ['init', '--as', 'server', '--name', 'a/b'], /"a\/b" cannot name a key/],
    ['an overlap that is none', 2, () => ['rotate', '--overlap', 'long'], /a number and d, h, m or s/],
    ['a swap that neither listens nor connects', 2, () => ['swap'], /a swap either listens or connects/],
    ['an address that is none', 2, () => ['swap', '--connect', 'here', '--yes'], /"here" is no address/],
    ['a home that stands already', 3, () => ['init'], /stands at .* already; it was left as it is/],
    ['no home', 4, () => ['export', '--as', 'server'], /no key at .*\nhint: make one with `keys init --as server`/],
    ['a peer that is not there', 4, () => ['show', 'nobody'], /no peer named nobody/],
    ['a peer to revoke that is not there', 4, () => ['revoke', 'nobody'], /nothing was changed/],
    ['a file that is not there', 4, (root) => ['import', join(root, 'none.pem')], /no such file/],
    ['a file that is no key', 6, bad('nothing'), /no PEM block/],
    ['a key of 1024 bits', 6, bad(pem('PUBLIC KEY', spkiOfRsa(1024))), /RSA of 1024 bits/],
    ['a key with the exponent 1', 6, bad(pem('PUBLIC KEY', rsaWithExponentOne())), /exponent 1/],
    [
      'a fingerprint that differs',
      10,
      (root) => ['import', benFile(root), '--peer', 'ben', '--expect', 'sha256//AAAA'],
      /not the expected one; nothing was changed/,
    ],
    ['the own key', 10, (root) => ['import', join(root, 'client/identity.pub.pem'), '--expect', 'x'], /this home's own key/],
  ])('%s', async (_, exit, words, what) => {
    const root = await home()
    const { status, stdout, stderr } = await keys(['--root', root, ...words(root)])
    expect(stderr).toMatch(what)
    expect(stderr).toMatch(/^error: .+\nhint: .+\n$/)
    expect([status, stdout]).toEqual([exit, ''])
  })

  test('--json prints the failure as an object too', async () => {
    const { status, stdout, stderr } = await keys(['--root', await home(), 'revoke', 'nobody', '--json'])
    const { error } = JSON.parse(stdout) as { error: Record<string, unknown> }
    expect(error).toMatchObject({ code: 'MISSING', exit: 4 })
    expect(stderr).toBe(`error: ${String(error['message'])}\nhint: ${String(error['hint'])}\n`)
    expect(status).toBe(4)
  })

  test('a private key that others can read', async () => {
    const root = await home()
    chmodSync(join(root, 'client/identity.pem'), 0o644)
    const { status, stderr } = await keys(['--root', root, 'list'])
    expect(stderr).toBe(
      `error: others can read the private key ${root}/client/identity.pem; it was not used\nhint: chmod 600 ${root}/client/identity.pem\n`,
    )
    expect(status).toBe(5)
  })
})

test('two homes: which one must be said', async () => {
  const root = temporaryFolder()
  await keysJson(['--root', root])
  const { status, stderr } = await keys(['--root', root, 'revoke', 'server'])
  expect([status, stderr]).toEqual([2, 'error: there are two homes here\nhint: say which one: --as server or --as client\n'])
})

test('export and import: the fingerprint in either form is compared by the machine', async () => {
  const [a, b] = [await home(), await home('server')]
  const { pem: exported, fingerprint } = (await keysJson(['--root', a, 'export'])) as { pem: string; fingerprint: string }
  const hexadecimal = Buffer.from(fingerprint.slice(8), 'base64').toString('hex')
  const imported = await keysJson(['--root', b, 'import', '-', '--expect', hexadecimal, '--address', 'ada.example:11564'], {
    stdin: exported,
  })
  expect(imported).toMatchObject({ peer: 'ada', existed: false, fingerprint })
  expect(contentOf(b, 'server/peers/ada.pem')).toMatch(
    /^name: ada\ndate: .*\naddress: ada\.example:11564\norigin: imported, fingerprint confirmed\n/,
  )
  expect(await keysJson(['--root', b, 'import', '-', '--expect', fingerprint], { stdin: exported })).toMatchObject({
    existed: true,
  })
})

test('import without --expect, where nobody can be asked, is refused', async () => {
  const root = await home()
  const { status, stderr } = await keys(['--root', root, 'import', benFile(root), '--peer', 'ben'])
  expect([status, stderr.split('\n')[1]]).toEqual([2, 'hint: give it with --expect'])
})

test('list says what is known of each key', async () => {
  const root = await home()
  await keysJson(['--root', root, 'import', benFile(root), '--peer', 'ben', '--expect', ben.fingerprint])
  const { stdout } = await keys(['--root', root, 'list'])
  expect(stdout.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME').split('\n')).toEqual([
    'client  own      ada  ed25519',
    expect.stringMatching(/^ {8}sha256\/\/.{43}=$/),
    expect.stringMatching(/^ {8}([a-z]+ ){5}[a-z]+$/),
    '        TIME, generated here',
    'client  peer     ben  ed25519',
    `        ${ben.fingerprint}`,
    expect.stringMatching(/^ {8}([a-z]+ ){5}[a-z]+$/),
    '        TIME, imported, fingerprint confirmed',
    '',
  ])
})

test('show adds a code to scan', async () => {
  const { stdout } = await keys(['--root', await home(), 'show'])
  expect(stdout.match(/^[█▀▄ ]{20,}$/gm)!.length).toBeGreaterThan(10)
})

test('--quiet leaves results and errors', async () => {
  const root = await home()
  expect((await keys(['--root', root, 'export'])).stderr).toMatch(/^its fingerprint/)
  const { stdout, stderr } = await keys(['--root', root, 'export', '--quiet'])
  expect([stdout.includes('BEGIN PUBLIC KEY'), stderr]).toEqual([true, ''])
})

test('forget drops a peer, who may come again; a revoked one may not', async () => {
  const root = await home()
  const add = async (): Promise<number | null> =>
    (await keys(['--root', root, 'import', benFile(root), '--peer', 'ben', '--expect', ben.fingerprint])).status
  expect(await add()).toBe(0)
  await keysJson(['--root', root, 'forget', 'ben'])
  expect(await add()).toBe(0)
  await keysJson(['--root', root, 'revoke', 'ben'])
  expect(await add()).toBe(10)
})

test('passwd changes the passphrase, removes it, and leaves the key as it is when the old one is wrong', async () => {
  const root = await home()
  const [first, second] = [file(root, 'first', 'correct horse\n'), file(root, 'second', 'battery staple\n')]
  const path = join(root, 'client/identity.pem')
  await keysJson(['--root', root, 'passwd', '--new-passphrase-file', first])
  expect(contentOf(path)).toContain('BEGIN ENCRYPTED PRIVATE KEY')
  const before = contentOf(path)
  expect((await keys(['--root', root, 'passwd', '--passphrase-file', second, '--remove'])).status).toBe(6)
  expect(contentOf(path)).toBe(before)
  await keysJson(['--root', root, 'passwd', '--passphrase-file', first, '--new-passphrase-file', second])
  await keysJson(['--root', root, 'passwd', '--remove'], { env: { COUNTERSIGN_PASSPHRASE_FILE: second } })
  expect(contentOf(path)).toContain('BEGIN PRIVATE KEY')
  expect(modeOf(path)).toBe('600')
  expect(await keysJson(['--root', root, 'doctor'])).toEqual({ sound: true, findings: [] })
})

describe('doctor', () => {
  interface Report {
    readonly sound: boolean
    readonly findings: { path: string; unsound: boolean; fixed: boolean; message: string }[]
  }

  async function doctor(root: string, ...words: string[]): Promise<Report & { status: number | null }> {
    const { status, stdout } = await keys(['--root', root, 'doctor', '--json', ...words])
    return { status, ...(JSON.parse(stdout.split('\n')[0]!) as Report) }
  }

  test.each<[string, number, (root: string) => void, RegExp]>([
    ['a private key that others can read', 5, (root) => chmodSync(join(root, 'client/identity.pem'), 0o640), /others can read/],
    ['a home that others can write', 5, (root) => chmodSync(join(root, 'client'), 0o720), /others can write/],
    ['a folder of peers that others can write', 5, (root) => chmodSync(join(root, 'client/peers'), 0o702), /others can write/],
    [
      'a tombstone that others can write',
      5,
      (root) => {
        writeFileSync(join(root, 'client/revoked/x.pem'), publicKeyPem(ben))
        chmodSync(join(root, 'client/revoked/x.pem'), 0o666)
      },
      /others can write/,
    ],
  ])('%s is unsound, and --fix shuts others out', async (_, exit, plant, what) => {
    const root = await home()
    plant(root)
    const found = await doctor(root)
    expect(found).toMatchObject({
      status: exit,
      sound: false,
      findings: [{ unsound: true, message: expect.stringMatching(what) as string }],
    })
    expect(await doctor(root, '--fix')).toMatchObject({ status: 0, sound: true })
    expect(await doctor(root)).toEqual({ status: 0, sound: true, findings: [] })
  })

  test.each<[string, number, (root: string) => void, RegExp]>([
    [
      'a private key among the peers',
      6,
      (root) => void file(join(root, 'client/peers'), 'x.pem', contentOf(root, 'client/identity.pem')),
      /private key stands/,
    ],
    [
      'an own key among the peers',
      10,
      (root) => void file(join(root, 'client/peers'), 'x.pem', contentOf(root, 'client/identity.pub.pem')),
      /own key/,
    ],
    [
      'a weak key',
      6,
      (root) => void file(join(root, 'client/peers'), 'x.pem', pem('PUBLIC KEY', rsaWithExponentOne())),
      /exponent 1/,
    ],
    ['a peer’s file that is no key', 6, (root) => void file(join(root, 'client/peers'), 'x.pem', 'x'), /no PEM block/],
    [
      'a duplicate key',
      10,
      (root) => {
        for (const name of ['x.pem', 'y.pem']) file(join(root, 'client/peers'), name, publicKeyPem(ben))
      },
      /same key as x\.pem/,
    ],
    ['an own key that is no key', 6, (root) => void file(join(root, 'client'), 'identity.pem', 'x'), /no PEM block/],
  ])('%s is unsound, and needs a person', async (_, exit, plant, what) => {
    const root = await home()
    plant(root)
    expect(await doctor(root, '--fix')).toMatchObject({
      status: exit,
      sound: false,
      findings: [{ unsound: true, message: expect.stringMatching(what) as string }],
    })
  })

  test.each<[string, (root: string) => void]>([
    ['a temporary file', (root) => void file(join(root, 'client/peers'), '.new-0123456789abcdef', 'x')],
    ['a missing folder', (root) => rmSync(join(root, 'client/chains'), { recursive: true })],
    ['a missing public key', (root) => rmSync(join(root, 'client/identity.pub.pem'))],
    ['another public key', (root) => void file(join(root, 'client'), 'identity.pub.pem', publicKeyPem(ben))],
  ])('%s is untidy, and --fix puts it right', async (_, plant) => {
    const root = await home()
    plant(root)
    expect(await doctor(root)).toMatchObject({ status: 0, sound: true, findings: [{ unsound: false, fixed: false }] })
    expect(await doctor(root, '--fix')).toMatchObject({ status: 0, findings: [{ fixed: true }] })
    expect(await doctor(root)).toEqual({ status: 0, sound: true, findings: [] })
  })

  test('a public key that is missing beside a private key under a passphrase is made again', async () => {
    const root = await home()
    const passphrase = file(root, 'passphrase', 'correct horse\n')
    await keysJson(['--root', root, 'passwd', '--new-passphrase-file', passphrase])
    rmSync(join(root, 'client/identity.pub.pem'))
    expect(await doctor(root)).toMatchObject({ status: 4, sound: false })
    expect(await doctor(root, '--fix', '--passphrase-file', passphrase)).toMatchObject({ status: 0, sound: true })
    expect(await doctor(root)).toEqual({ status: 0, sound: true, findings: [] })
  })
})
