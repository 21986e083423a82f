/**
 * A SIGKILL at every write, fsync, link and rename of the commands that change a home leaves the old state or the new one,
 * whole, in a home that doctor calls sound.
 *
 * strace kills the program as it enters its n-th such call; no hook for that is in the product. Without TEST_FULL it kills
 * at links and renames alone, between which lies everything else that a home can show but a temporary file.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, type TestContext } from 'vitest'
import { examine } from '../../src/home/doctor.ts'
import { openHome } from '../../src/home/home.ts'
import { homePaths, resolveRoot } from '../../src/home/layout.ts'
import { acceptRotation } from '../../src/home/rotate.ts'
import { dialing, FULL, keys, keysJson, leftToFull, listening, madeHome, type RunOptions, temporaryFolder } from '../program.ts'

const CALLS = 'write,pwrite64,fsync,link,linkat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat'
const TIMEOUT = 600_000
const QUICK: ReadonlySet<string> = new Set(['link', 'rename'])
if (!FULL) leftToFull('SIGKILL at every write, fsync, unlink and mkdir')

function requireStrace(context: TestContext): void {
  if (spawnSync('strace', ['-o', '/dev/null', process.execPath, '-e', '0']).status === 0) return
  console.log('kill tests: skipped, because strace is missing or may not trace')
  context.skip('strace is missing or may not trace')
}

type Run = (root: string, options: RunOptions) => Promise<unknown>

/** What a run of the command left, killed or not. */
type Check = (root: string, killed: boolean) => void | Promise<void>

/**
 * Runs a command once to see its calls on the home, then once for each of them to be killed at it, each time from a copy of
 * `base`.
 *
 * @returns how often it was killed at each kind of call
 */
async function killEverywhere(base: string, run: Run, check: Check): Promise<Record<string, number>> {
  const folder = temporaryFolder()
  const log = join(folder, 'calls')
  const traced = async (name: string, ...words: string[]): Promise<{ root: string; calls: string[] }> => {
    const root = join(folder, name)
    cpSync(base, root, { recursive: true })
    await run(root, { under: ['strace', '-y', '-o', log, '-e', `trace=${CALLS}`, ...words] })
    const lines = readFileSync(log, 'utf8').split('\n')
    return { root, calls: lines.filter((line) => /^[a-z0-9]+\(/.test(line)) }
  }

  const whole = await traced('whole')
  await check(whole.root, false)
  const killed: Record<string, number> = {}
  for (const [kind, calls] of Object.entries(Object.groupBy(whole.calls, kindOf))) {
    const ours = calls!.flatMap((line, i) => (line.includes(whole.root) ? [i + 1] : []))
    if (ours.length === 0 || !(FULL || QUICK.has(kind))) continue
    // Node's own writes to itself vary by a few: the range is wider than what was seen.
    const slack = kind === 'write' ? 3 : 0
    killed[kind] = 0
    for (let number = Math.max(1, ours[0]! - slack); number <= ours.at(-1)! + slack; number++) {
      const { root, calls: seen } = await traced(`${kind}-${number}`, '-e', `inject=${kind}:signal=KILL:when=${number}`)
      if (seen.at(-1)?.includes(root)) killed[kind]++
      await check(root, true)
    }
    // None was left out.
    expect([kind, killed[kind]]).toEqual([kind, ours.length])
  }
  return killed
}

/** What is expected of a run: all of it, or without TEST_FULL its quick part. */
function counts(all: Record<string, number>): Record<string, number> {
  return FULL ? all : Object.fromEntries(Object.entries(all).filter(([kind]) => QUICK.has(kind)))
}

function kindOf(line: string): string {
  return line.replace(/\(.*/, '')
}

const pathsIn = (root: string): ReturnType<typeof homePaths> => homePaths(resolveRoot(root), 'client')
const never = (): never => {
  throw new Error('no key here has a passphrase')
}

/** Sound as it is, and tidy once what was left behind is put away. */
async function expectSound(root: string): Promise<void> {
  const paths = pathsIn(root)
  if (!existsSync(paths.home)) return
  const findings = examine(paths, never)
  expect(findings.filter(({ unsound }) => unsound)).toEqual([])
  for (const { fix } of findings) await fix?.()
  const left = examine(paths, never).map(({ path }) => path)
  expect(left.filter((path) => path !== paths.identity)).toEqual([])
}

test('init', { timeout: TIMEOUT }, async (context) => {
  requireStrace(context)
  const base = temporaryFolder()
  const command = (root: string): string[] => ['--root', root, 'init', '--as', 'client', '--name', 'ada']
  const calls = await killEverywhere(
    base,
    async (root, options) => await keys(command(root), options),
    async (root) => {
      await expectSound(root)
      if (!existsSync(pathsIn(root).identity)) await keysJson(command(root))
      expect(openHome({ root, role: 'client' }).name).toBe('ada')
    },
  )
  expect(calls).toEqual(counts({ mkdir: 5, write: 2, fsync: 8, rename: 1, link: 1, unlink: 1 }))
})

test('revoke', { timeout: TIMEOUT }, async (context) => {
  requireStrace(context)
  const base = temporaryFolder()
  await keysJson(['--root', base])
  const { id } = openHome({ root: base, role: 'client' }).peer('server').publicKey
  const calls = await killEverywhere(
    base,
    async (root, options) => await keys(['--root', root, 'revoke', 'server', '--as', 'client'], options),
    async (root, killed) => {
      const trust = openHome({ root, role: 'client' }).trust(id)
      expect(Object.keys(trust!)).toEqual([killed && 'peer' in trust! ? 'peer' : 'revoked'])
      await expectSound(root)
      expect(Object.keys(openHome({ root, role: 'client' }).trust(id)!)).toEqual(Object.keys(trust!))
    },
  )
  expect(calls).toEqual(counts({ mkdir: 1, write: 1, fsync: 3, link: 1, unlink: 2 }))
})

test('rotate', { timeout: TIMEOUT }, async (context) => {
  requireStrace(context)
  const base = temporaryFolder()
  await keysJson(['--root', base])
  const old = openHome({ root: base, role: 'client' }).publicKey.fingerprint
  const calls = await killEverywhere(
    base,
    async (root, options) => await keys(['--root', root, 'rotate', '--as', 'client'], options),
    async (root, killed) => {
      const before = openHome({ root, role: 'client' })
      await expectSound(root)
      const home = openHome({ root, role: 'client' })
      const fingerprints = (await home.identities()).map(({ publicKey }) => publicKey.fingerprint)
      expect(home.publicKey.fingerprint).toBe(before.publicKey.fingerprint)
      expect(fingerprints).toEqual(home.publicKey.fingerprint === old && killed ? [old] : [home.publicKey.fingerprint, old])
      // An old home rotates when told again; a new one has what its peers need.
      if (home.publicKey.fingerprint === old) await keysJson(['--root', root, 'rotate', '--as', 'client'])
      const rotated = openHome({ root, role: 'client' })
      const statement = readFileSync(
        join(rotated.paths.chains, `${Buffer.from(rotated.keys[0]!.id).toString('hex', 0, 16)}.rotation`),
        'utf8',
      )
      const accepted = acceptRotation(openHome({ root, role: 'server' }), statement)
      expect(accepted.publicKey.fingerprint).toBe(rotated.publicKey.fingerprint)
    },
  )
  expect(calls).toEqual(counts({ mkdir: 1, write: 4, fsync: 9, rename: 4, link: 1 }))
})

test('swap', { timeout: TIMEOUT }, async (context) => {
  requireStrace(context)
  const [base, server] = [await madeHome('client', { name: 'ada' }), await madeHome('server', { name: 'ben' })]
  const swap: Run = async (root, options) => {
    const { listener, event, port } = await listening(server)
    await dialing(root, port, event.code, [], options).exited
    listener.interrupt()
    await listener.exited
  }
  const peers = (root: string): string[] => openHome({ root, role: 'client' }).peers.map(({ name }) => name)
  const calls = await killEverywhere(base, swap, async (root) => {
    const before = peers(root)
    expect([[], ['ben']]).toContainEqual(before)
    await expectSound(root)
    expect(peers(root)).toEqual(before)
    if (before.length > 0) return
    await swap(root, {})
    expect(peers(root)).toEqual(['ben'])
  })
  expect(calls).toEqual(counts({ mkdir: 1, write: 1, fsync: 2, link: 1, unlink: 1 }))
})
