/** What a server needs, in the order in which it needs it, each looked at by itself. */
import { examine, type Home, homePaths, type HomePaths, openHome, resolveRoot } from '@countersign/keyexchange'
import { CliError, formatAddress, formatSize } from '@countersign/keyexchange/cli'
import { existsSync } from 'node:fs'
import { access, constants, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Configuration } from './settings/configuration.ts'
import type { Sources } from './settings/read.ts'
import type { Settings } from './settings/table.ts'
import { askStatus, type Status, statusSocket } from './watch/status.ts'

export interface Check {
  readonly name: string
  /** Says what is well. @throws what is not */
  look(): Promise<string> | string
}

export interface Patient {
  readonly root: string | undefined
  /** @throws CliError */
  sources(): Sources
  ask(path: string): Promise<string>
}

/** With less a busy server may have a full disk before anybody has looked. */
const LITTLE_ROOM = 256 * 1024 * 1024
/** By as much may a clock have been set back; ms */
const CLOCK_SLACK = 60_000
/** No message of this protocol is older. */
const FIRST_YEAR = 2026

export function checksOf({ root, sources, ask }: Patient): Check[] {
  const paths = homePaths(resolveRoot(root), 'server')
  const settings = (): Settings => new Configuration(sources).settings
  const home = (): Home => openHome({ root, role: 'server', passphrase: ask })
  return [
    { name: 'settings', look: () => lookAtSettings(sources()) },
    { name: 'home', look: () => lookAtHome(paths) },
    { name: 'key', look: async () => `${(await home().identities())[0].publicKey.fingerprint} can be used` },
    { name: 'peers', look: () => lookAtPeers(home()) },
    { name: 'port', look: async () => lookAtPort(settings(), await askStatus(statusSocket(paths.state))) },
    { name: 'disk', look: () => lookAtDisk(paths) },
    { name: 'journal', look: () => lookAtJournal(paths, home()) },
    { name: 'clock', look: () => lookAtClock(paths, home()) },
    { name: 'hooks', look: () => lookAtHooks(settings()) },
  ]
}

function lookAtSettings(sources: Sources): string {
  const { settings } = new Configuration(() => sources)
  const policy = settings.policy === undefined ? 'no policy: everything is taken' : 'the policy can be used'
  return `${sources.file?.path ?? 'no file of settings'}; ${policy}`
}

/** As `keys doctor` does, but for the passphrase: that is the next thing to look at. */
function lookAtHome(paths: HomePaths): string {
  const noPassphrase = (): never => {
    throw new CliError('BAD_KEY', 'a passphrase is needed', 'run `keys doctor --fix`')
  }
  const unsound = examine(paths, noPassphrase).find((finding) => finding.unsound)
  if (unsound) throw unsound.error
  if (existsSync(paths.identity)) return `${paths.home} is sound`
  throw new CliError('MISSING', `no key at ${paths.identity}`, 'make one with `keys init --as server`')
}

function lookAtPeers(home: Home): string {
  const [problem] = home.problems
  if (problem) throw problem.error
  const names = home.peers.map(({ name }) => name)
  if (names.length === 0) throw new CliError('MISSING', 'this home trusts no peer: nobody can connect', 'swap keys: `keys swap`')
  return `${names.length} trusted: ${names.join(', ')}`
}

async function lookAtPort({ host, port }: Settings, running: Status | undefined): Promise<string> {
  const place = formatAddress(host ?? '::', port)
  const at = running?.listening
  if (running && typeof at === 'object' && (at.port === port || port === 0))
    return `${place} is held by this server, process ${running.pid}`
  const server = createServer()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ port, ...(host !== undefined && { host }) }, resolve)
  await promise
  server.close()
  return `${place} is free`
}

async function lookAtDisk({ state }: HomePaths): Promise<string> {
  if (!existsSync(state)) return `${state} will be made when the server first runs`
  await access(state, constants.W_OK)
  const { bavail, bsize } = await statfs(state)
  const free = bavail * bsize
  if (free >= LITTLE_ROOM) return `${formatSize(free)} are free at ${state}`
  throw new CliError(
    'STORAGE',
    `only ${formatSize(free)} are free at ${state}`,
    'make room: countersign-server inbox prune drops old bodies',
  )
}

async function lookAtJournal({ state }: HomePaths, home: Home): Promise<string> {
  const file = join(state, 'journal.db')
  if (!existsSync(file)) return 'none yet: the server makes it when it first runs'
  const { openExistingInbox } = await import('@countersign/mailbox/stored')
  await using journal = await openExistingInbox(home)
  const { messages, entries } = await journal.size()
  const restored = journal.restores.at(-1)
  const from = restored ? `; it was restored at ${restored.at.toISOString()} from a backup of ${restored.messages} messages` : ''
  return `${file} opens: ${messages} messages, ${entries} receipts${from}`
}

/** A clock that was set back would give receipts that are older than those before them. */
async function lookAtClock({ state }: HomePaths, home: Home): Promise<string> {
  const now = Date.now()
  const wrong = (why: string): never => {
    throw new CliError('STORAGE', `the clock says ${new Date(now).toISOString()}, ${why}`, 'set it: receipts are dated by it')
  }
  if (new Date(now).getUTCFullYear() < FIRST_YEAR) wrong('which is long ago')
  if (existsSync(join(state, 'journal.db'))) {
    const { openExistingInbox } = await import('@countersign/mailbox/stored')
    await using journal = await openExistingInbox(home)
    const last = await journal.message((await journal.size()).messages)
    if (last && last.receivedAt.getTime() > now + CLOCK_SLACK)
      wrong(`and the last message came at ${last.receivedAt.toISOString()}`)
  }
  return `it says ${new Date(now).toISOString()}`
}

async function lookAtHooks({ exec, webhook }: Settings): Promise<string> {
  const { hooksOf } = await import('@countersign/mailbox/stored')
  const names = hooksOf({ ...(exec !== undefined && { exec }), ...(webhook !== undefined && { webhook }) }).map(
    ({ name }) => name,
  )
  return names.length === 0 ? 'none' : `${names.join(' and ')} can be used`
}
