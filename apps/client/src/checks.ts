/** What has to hold for a message to reach a server, one thing after the other. */
import { type CountersignError, type ErrorCode, isError } from '@countersign/core'
import { examine, type Home, keyType, type TrustedPeer } from '@countersign/keyexchange'
import { type Check, CliError, describeFailure, formatAddress, formatSize, type Output } from '@countersign/keyexchange/cli'
import { openOwnOutbox } from '@countersign/mailbox/stored'
import { lookup } from 'node:dns/promises'
import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { createConnection } from 'node:net'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { clockOffset } from './clock.ts'
import { ping, type Pinged } from './ping.ts'
import { type Journey, serverAddress, type WayOptions } from './way.ts'

/** A step of opening a session, and the errors that mean that it does not hold. */
interface Step {
  readonly name: string
  readonly holds: string
  readonly errors: readonly ErrorCode[]
}

const STEPS: readonly Step[] = [
  {
    name: 'gate',
    holds: 'it answers those who know its key',
    errors: ['NO_ANSWER', 'FRAME', 'ENCODING', 'TRUNCATED', 'CONNECT', 'HELLO_REJECTED'],
  },
  { name: 'server key', holds: 'it holds the key that is pinned here', errors: ['WRONG_PEER', 'NOT_AUTHENTIC', 'BAD_SIGNATURE'] },
  { name: 'own key', holds: 'it trusts the key of this home', errors: ['UNTRUSTED', 'REVOKED', 'OWN_KEY', 'BUSY', 'REFUSED'] },
]

/** Clocks further apart than this confuse whoever reads the times of messages; ms */
const FAR_APART = 60_000
/** Less room than this is soon used up; bytes */
const LITTLE_ROOM = 64 * 1024 * 1024

/** All checks, in the order in which things have to be put right. */
export async function* checkConnection(
  journey: Omit<Journey, 'peer'>,
  name: string | undefined,
  options: WayOptions,
): AsyncGenerator<Check> {
  const { home } = journey
  yield soundHome(home)
  yield await holds('key', async () => `${keyType((await home.identities())[0].publicKey)}  ${home.publicKey.fingerprint}`)
  let peer: TrustedPeer | undefined
  yield await holds('server', () => {
    peer = home.peer(name)
    const { host, port } = serverAddress(peer, options)
    return `${peer.name}  ${formatAddress(host, port)}`
  })
  yield* reachable({ ...journey, peer }, options)
  yield* disk(home)
  yield* outbox(home, journey.output, peer)
}

/** A check that holds where `find` says what it found, and does not where it throws. */
async function holds(name: string, find: () => string | Promise<string>): Promise<Check> {
  try {
    return { name, what: await find() }
  } catch (error) {
    return { name, what: describeFailure(error).message, error }
  }
}

function soundHome({ paths }: Home): Check {
  const unsound = examine(paths, () => '').filter(({ unsound }) => unsound)
  const [first] = unsound
  if (first === undefined) return { name: 'home', what: paths.home }
  const { message } = describeFailure(first.error)
  const more = unsound.length === 1 ? '' : `, and ${unsound.length - 1} more: see \`keys doctor\``
  return { name: 'home', what: `${message}${more}`, error: first.error }
}

async function* reachable(
  journey: Omit<Journey, 'peer'> & { readonly peer: TrustedPeer | undefined },
  options: WayOptions,
): AsyncGenerator<Check> {
  const { peer } = journey
  const names = ['name', 'port', ...STEPS.map(({ name }) => name), 'round trip']
  const untried = (from: number, why: string): Check[] => names.slice(from).map((name) => ({ name, what: why, untried: true }))
  let to: ReturnType<typeof serverAddress>
  try {
    to = serverAddress(peer!, options)
  } catch {
    return yield* untried(0, 'it is not known where to')
  }
  const found = await holds('name', async () => `${to.host} is ${(await lookup(to.host)).address}`)
  yield found
  if (found.error !== undefined) return yield* untried(1, 'its address is not known')
  const open = await holds('port', () => connects(to, options.timeout * 1000))
  yield open
  if (open.error !== undefined) return yield* untried(2, 'nothing could be asked')
  try {
    const pinged = await ping({ ...journey, peer: peer! }, options, 3)
    yield* STEPS.map(({ name, holds }) => ({ name, what: holds }))
    yield { name: 'round trip', what: measured(pinged) }
  } catch (error) {
    const failed = STEPS.findIndex(({ errors }) => errors.some((code) => isError(error, code)))
    const at = failed < 0 ? 0 : failed
    yield* STEPS.slice(0, at).map(({ name, holds }) => ({ name, what: holds }))
    yield { name: STEPS[at]!.name, what: (error as CountersignError).message, error }
    yield* untried(2 + at + 1, 'it did not come to this')
  }
}

function measured({ handshake, roundTrips }: Pinged): string {
  return `${Math.min(...roundTrips).toFixed(2)} ms there and back, after a handshake of ${handshake.toFixed(2)} ms`
}

function connects({ host, port }: { host: string; port: number }, timeout: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = createConnection({ host, port, timeout })
  socket.once('connect', () => resolve(`${formatAddress(socket.remoteAddress!, port)} is open`))
  socket.once('timeout', () =>
    reject(new CliError('NETWORK', `${host} port ${port} does not answer`, 'check the address, and firewalls on the way')),
  )
  socket.once('error', reject)
  return promise.finally(() => socket.destroy())
}

async function* disk({ stateFolder }: Home): AsyncGenerator<Check> {
  yield await holds('state', () => {
    const there = nearest(stateFolder)
    accessSync(there, constants.W_OK | constants.X_OK)
    return there === stateFolder ? `${stateFolder} can be written` : `${stateFolder} can be made`
  })
  yield await holds('room', () => {
    const { bavail, bsize } = statfsSync(nearest(stateFolder))
    const room = bavail * bsize
    if (room < LITTLE_ROOM)
      throw new CliError('STORAGE', `only ${formatSize(room)} are free at ${stateFolder}`, 'free space on the disk')
    return `${formatSize(room)} are free`
  })
}

function nearest(folder: string): string {
  return existsSync(folder) ? folder : nearest(dirname(folder))
}

async function* outbox(home: Home, output: Output, peer: TrustedPeer | undefined): AsyncGenerator<Check> {
  const file = join(home.stateFolder, 'outbox.db')
  if (!existsSync(file)) return yield { name: 'outbox', what: 'nothing was sent from here yet', untried: true }
  const sound = await holds('outbox', () => {
    const fault = faultOf(file)
    if (fault === undefined) return `${file} is sound`
    throw new CliError('STORAGE', `${file} is damaged: ${fault}`, 'keep the file as it is, and go on with a backup of it')
  })
  yield sound
  if (sound.error !== undefined || peer === undefined)
    return yield { name: 'clock', what: 'no receipt can be read', untried: true }
  yield await holds('clock', async () => {
    await using outbox = await openOwnOutbox(home, output, false)
    const offset = await clockOffset(outbox, peer, Date.now())
    if (offset === undefined) return 'there is no receipt yet that tells'
    if (Math.abs(offset) < FAR_APART) return 'the last receipts fit this clock'
    const apart = `the clock of ${peer.name} is ${Math.round(Math.abs(offset) / 1000)} s ${offset > 0 ? 'ahead' : 'behind'}, or more`
    throw new CliError('CONFLICT', apart, 'set both clocks by the network: nothing depends on them but the times of messages')
  })
}

/** What is wrong with a database file; undefined where nothing is. */
function faultOf(file: string): string | undefined {
  try {
    using database = new DatabaseSync(file, { readOnly: true })
    const { quick_check: found } = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
    return found === 'ok' ? undefined : found
  } catch (error) {
    return (error as Error).message
  }
}
