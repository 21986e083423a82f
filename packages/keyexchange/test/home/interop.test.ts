/** Keys go to openssl and come from openssl and ssh-keygen, where those programs exist. */
import { type Algorithm, readPublicKey } from '@countersign/core'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, type TestContext } from 'vitest'
import { openHome } from '../../src/home/home.ts'
import { contentOf, file, FULL, keys, keysJson, leftToFull, modeOf, temporaryFolder } from '../program.ts'

/** OpenSSL from 3.5 knows ML-DSA: this may name one beside the machine's own. */
const openssl = process.env['OPENSSL_ML_DSA'] ?? 'openssl'

function requireProgram(context: TestContext, program: string, ...words: string[]): void {
  if (spawnSync(program, words).error === undefined) return
  console.log(`interoperation with ${program}: skipped, because it is missing`)
  context.skip(`${program} is missing`)
}

function requireAlgorithm(context: TestContext, algorithm: Algorithm): void {
  requireProgram(context, openssl, 'version')
  if (algorithm !== 'ml-dsa-65') return
  const known = execFileSync(openssl, ['list', '-signature-algorithms'], { encoding: 'utf8' })
  if (known.includes('ML-DSA-65')) return
  console.log('ML-DSA-65 in openssl: skipped, because this version does not know it; OPENSSL_ML_DSA may name one that does')
  context.skip('this openssl knows no ML-DSA-65')
}

const algorithms: Algorithm[] = ['ed25519', 'rsa', 'ml-dsa-65']

test.for(algorithms)('%s: openssl opens the key, and computes the same fingerprint', async (algorithm, context) => {
  requireAlgorithm(context, algorithm)
  const root = temporaryFolder()
  const { fingerprint } = (await keysJson(['--root', root, 'init', '--type', algorithm])) as { fingerprint: string }
  const der = execFileSync(openssl, ['pkey', '-in', join(root, 'client/identity.pem'), '-pubout', '-outform', 'DER'])
  expect(`sha256//${createHash('sha256').update(der).digest('base64')}`).toBe(fingerprint)
  const pub = execFileSync(openssl, ['pkey', '-pubin', '-in', join(root, 'client/identity.pub.pem'), '-outform', 'DER'])
  expect(pub).toEqual(der)
})

if (!FULL) leftToFull('RSA keys of 3072 bits from openssl, and keys of other types than Ed25519 under a passphrase')

test.for(FULL ? algorithms : (['ed25519'] as const))(
  '%s: openssl opens the key under its passphrase, and no other',
  async (algorithm, context) => {
    requireAlgorithm(context, algorithm)
    const root = temporaryFolder()
    const passphrase = file(root, 'passphrase', 'correct horse\n')
    await keysJson(['--root', root, 'init', '--type', algorithm, '--passphrase-file', passphrase])
    const path = join(root, 'client/identity.pem')
    const opened = (words: string): number | null => spawnSync(openssl, ['pkey', '-in', path, '-passin', words, '-noout']).status
    expect(opened(`file:${passphrase}`)).toBe(0)
    expect(opened('pass:wrong')).not.toBe(0)
  },
)

test('a passphrase is stretched with scrypt N=2^14 r=8 p=5, and the key is under AES-256-CBC', async (context) => {
  requireProgram(context, openssl, 'version')
  const root = temporaryFolder()
  await keysJson(['--root', root, 'init', '--passphrase-file', file(root, 'passphrase', 'correct horse\n')])
  const text = execFileSync(openssl, ['asn1parse', '-in', join(root, 'client/identity.pem')], { encoding: 'utf8' })
  const values = text.match(/(?<=:)(PBES2|id-scrypt|scrypt|1\.3\.6\.1\.4\.1\.11591\.4\.11|4000|08|05|aes-256-cbc)$/gm)!
  expect(values).toEqual(['PBES2', expect.stringMatching(/scrypt|11591\.4\.11/) as string, '4000', '08', '05', 'aes-256-cbc'])
})

test.for([
  ['ED25519', []],
  ['RSA', ['-pkeyopt', `rsa_keygen_bits:${FULL ? 3072 : 2048}`]],
] as const)('a key made by openssl (%s) is a home’s own', async ([type, words], context) => {
  requireProgram(context, openssl, 'version')
  const root = temporaryFolder()
  await keysJson(['--root', root, 'init'])
  const path = join(root, 'client/identity.pem')
  execFileSync(openssl, ['genpkey', '-algorithm', type, ...words, '-out', path], { stdio: 'ignore' })
  const pub = join(root, 'client/identity.pub.pem')
  execFileSync(openssl, ['pkey', '-in', path, '-pubout', '-out', pub])
  const home = openHome({ root, role: 'client' })
  expect(home.publicKey.fingerprint).toBe(readPublicKey(contentOf(pub)).fingerprint)
  expect((await home.identities())[0].publicKey.fingerprint).toBe(home.publicKey.fingerprint)
  expect((await keys(['--root', root, 'doctor'])).status).toBe(0)
})

let rsaKey: { readonly own: string; readonly published: string } | undefined

/** The one RSA key of these tests, in the form that ssh-keygen gives it. */
function writtenAgain(path: string, passphrase: string, form: readonly string[]): void {
  if (rsaKey === undefined) {
    execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', FULL ? '3072' : '2048', '-N', '', '-f', path])
    rsaKey = { own: contentOf(path), published: contentOf(`${path}.pub`) }
  }
  writeFileSync(path, rsaKey.own, { mode: 0o600 })
  writeFileSync(`${path}.pub`, rsaKey.published)
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', passphrase, '-f', path, ...form])
}

test.for([
  ['ed25519', '', []],
  ['ed25519', 'correct horse', ['-a', '4']],
  ['ed25519', 'correct horse', ['-a', '2', '-Z', 'aes256-cbc']],
  ['rsa', '', []],
  ['rsa', 'correct horse', ['-a', '2']],
  ['rsa', '', ['-m', 'PEM']],
  ['rsa', 'correct horse', ['-m', 'PKCS8']],
] as const)(
  'a key made by ssh-keygen (%j) becomes a home’s own, with the same public key',
  async ([type, words, more], context) => {
    requireProgram(context, 'ssh-keygen', '-?')
    const folder = temporaryFolder()
    const [root, path] = [join(folder, 'homes'), join(folder, 'key')]
    if (type === 'rsa') writtenAgain(path, words, more)
    else execFileSync('ssh-keygen', ['-q', '-t', type, '-N', words, '-f', path, ...more])
    const passphrase = file(folder, 'passphrase', `${words}\n`)
    const options = words === '' ? [] : ['--passphrase-file', passphrase]
    const converted = (await keysJson(['--root', root, 'convert', path, ...options])) as { fingerprint: string }
    const home = openHome({ root, role: 'client', passphrase: () => words })
    expect((await home.identities())[0].publicKey.fingerprint).toBe(converted.fingerprint)
    expect(contentOf(root, 'client/identity.pem').includes('ENCRYPTED')).toBe(words !== '')
    expect(modeOf(join(root, 'client/identity.pem'))).toBe('600')

    const published = (await keysJson(['--root', root, 'convert', `${path}.pub`])) as { fingerprint: string }
    expect(published.fingerprint).toBe(converted.fingerprint)
  },
)

test('a wrong passphrase of an OpenSSH key is exit status 6, and no home is made', async (context) => {
  requireProgram(context, 'ssh-keygen', '-?')
  const folder = temporaryFolder()
  const [root, path] = [join(folder, 'homes'), join(folder, 'key')]
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'correct horse', '-f', path])
  const { status } = await keys(['--root', root, 'convert', path, '--passphrase-file', file(folder, 'passphrase', 'wrong\n')])
  expect(status).toBe(6)
  expect((await keys(['--root', root, 'list'])).status).toBe(4)
})

test('an OpenSSH public key is imported under its fingerprint', async (context) => {
  requireProgram(context, 'ssh-keygen', '-?')
  const folder = temporaryFolder()
  const [root, path] = [join(folder, 'homes'), join(folder, 'key')]
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path])
  await keysJson(['--root', root, 'init'])
  const { fingerprint } = (await keysJson(['--root', root, 'convert', `${path}.pub`])) as { fingerprint: string }
  await keysJson(['--root', root, 'import', `${path}.pub`, '--peer', 'ada', '--expect', fingerprint])
  expect(openHome({ root, role: 'client' }).peer('ada').publicKey.fingerprint).toBe(fingerprint)
})

test.for(['ecdsa', 'ed25519-sk'])(
  'an OpenSSH key of a type that is not used here (%s) is exit status 6',
  async (type, context) => {
    requireProgram(context, 'ssh-keygen', '-?')
    const folder = temporaryFolder()
    const path = join(folder, 'key')
    const made = spawnSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', path])
    const line = made.status === 0 ? contentOf(`${path}.pub`) : `sk-ssh-ed25519@openssh.com ${SK_BODY} x\n`
    const { status, stderr } = await keys(['--root', join(folder, 'homes'), 'convert', file(folder, 'line', line)])
    expect(status).toBe(6)
    expect(stderr).toMatch(/not ssh-ed25519 or ssh-rsa/)
  },
)

/** A key in a hardware token, which cannot be made without one. */
const SK_BODY = Buffer.concat(
  ['sk-ssh-ed25519@openssh.com', 'x'.repeat(32), 'ssh:'].map((text) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(text.length)
    return Buffer.concat([length, Buffer.from(text)])
  }),
).toString('base64')
