/** `countersign-server` without words: serves every client that its home trusts, until it is told to stop. */
import { listen, memoryJournal, REASON, type SecureSession, type Server } from '@countersign/core'
import { DEFAULT_PORT, type Home, openHome } from '@countersign/keyexchange'
import {
  CliError,
  type CommonOptions,
  describeFailure,
  formatAddress,
  narrator,
  type Output,
  outputOf,
  passphraseAsker,
  portOption,
  printable,
  timeoutOption,
  traceOption,
} from '@countersign/keyexchange/cli'
import type { Command } from 'commander'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { printMessage } from '../message.ts'
import { readPolicy } from '../policy.ts'

interface ServeOptions extends CommonOptions {
  readonly host?: string
  readonly port: number
  /** Seconds */
  readonly timeout: number
  readonly policy?: string
  readonly trace?: boolean
}

export function serve(program: Command, interrupted: AbortSignal): void {
  program
    .command('serve', { isDefault: true })
    .description('serve every client that this home trusts (what the program does where no command is said)')
    .option('--host <host>', 'the address to listen on; every one of this machine where it is not said')
    .addOption(portOption('the port to listen on; 0 lets the system choose', 0).default(DEFAULT_PORT))
    .option('--policy <file>', 'rules for what is taken, for all peers and for each: JSON, see the README')
    .addOption(timeoutOption())
    .addOption(traceOption())
    .allowExcessArguments()
    .action(async (_: unknown, command: Command) => {
      const [unknown] = command.args
      if (unknown !== undefined) throw new CliError('USAGE', `there is no command ${unknown}`, 'see --help')
      const options = command.optsWithGlobals<ServeOptions>()
      const output = outputOf(options)
      const home = openHome({ root: options.root, role: 'server', passphrase: passphraseAsker(options, output) })
      await run(home, options, output, interrupted)
    })
}

async function run(home: Home, options: ServeOptions, output: Output, interrupted: AbortSignal): Promise<void> {
  const identity = await home.identities()
  const server = await listen({
    port: options.port,
    ...(options.host !== undefined && { host: options.host }),
    identity,
    formerKeys: home.keys.slice(0, -identity.length),
    peers: (keyId) => home.trust(keyId),
    journal: memoryJournal(),
    ...(options.policy !== undefined && { policy: readPolicy(options.policy) }),
    handshakeWithin: options.timeout * 1000,
    onReject: (error, from) => output.note(`turned away ${from}: ${printable(error.message)}`),
    ...(options.trace && { trace: narrator((line) => output.note(line)) }),
  })
  const watching = home.watch(() => {
    warn(home, output)
    for (const session of server.sessions) endUntrusted(home, session)
  })
  announce(home, server, output)
  warn(home, output)
  const stopped = interrupted.aborted ? Promise.resolve() : once(interrupted, 'abort')
  const served = serveSessions(server, output)
  await stopped
  await server.close()
  await served
  watching[Symbol.dispose]()
}

function announce(home: Home, server: Server, output: Output): void {
  const { address, port } = server.address as AddressInfo
  const { fingerprint } = home.publicKey
  output.result({ event: 'listening', host: address, port, name: home.name, fingerprint }, [
    `listening on ${formatAddress(address, port)} as ${home.name}  ${fingerprint}`,
  ])
}

/** Says which files of the home were left out. */
function warn(home: Home, output: Output): void {
  for (const { error } of home.problems) output.note(`left out: ${printable(describeFailure(error).message)}`)
  if (home.peers.length === 0) output.note('this home trusts no peer: nobody can connect until `keys swap` was run')
}

/** Ends the session of a peer whose trust was taken back while it was connected. */
function endUntrusted(home: Home, session: SecureSession): void {
  const trust = home.trust(session.peer.key.id)
  if (trust === undefined) void session.abandon(REASON.goingAway)
  else if ('revoked' in trust) void session.abandon(REASON.revoked)
}

/** Serves every session at once; resolves when the server is closed and all that came is printed. */
async function serveSessions(server: Server, output: Output): Promise<void> {
  const open = new Set<Promise<void>>()
  for await (const session of server) {
    const serving = serveSession(session, output).finally(() => open.delete(serving))
    open.add(serving)
  }
  await Promise.all(open)
}

async function serveSession(session: SecureSession, output: Output): Promise<void> {
  const name = session.peer.name!
  output.note(`${name} is connected`)
  try {
    for await (const message of session) await printMessage(output, message)
    output.note(`${name} has left`)
  } catch (error) {
    output.note(`${name}: the session ended: ${printable(describeFailure(error).message)}`)
  }
}
