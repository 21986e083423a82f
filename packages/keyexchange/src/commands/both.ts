/** `keys` with no words: two homes on one machine that know each other, in one step. */
import type { Command } from 'commander'
import { noCommand } from '../cli/no-command.ts'
import { homeExists } from '../home/create.ts'
import type { Home } from '../home/home.ts'
import { DEFAULT_PORT, type Role } from '../home/layout.ts'
import { formatAddress } from './address.ts'
import { type Context, contextOf, homeOf, keyRecord, type KeysOptions, newHome, pathsOf } from './context.ts'

export function both(program: Command, interrupted: AbortSignal): void {
  program.allowExcessArguments().action(async (_: unknown, command: Command) => {
    const [unknown] = command.args
    if (unknown !== undefined) throw noCommand(program, unknown)
    const context = contextOf(command)
    const server = await madeOrFound(context, 'server')
    const client = await madeOrFound(context, 'client')
    const acquainted = server.home.peerOf(client.home.publicKey) && client.home.peerOf(server.home.publicKey)
    if (!acquainted) await acquaint(context, server.home, client.home, interrupted)
    report(context, !acquainted, [server, client])
  })
}

interface Side {
  readonly home: Home
  readonly made: boolean
}

async function madeOrFound(context: Context<KeysOptions>, role: Role): Promise<Side> {
  const paths = pathsOf(context, role)
  const made = !homeExists(paths)
  if (made) await newHome(context, paths, { name: role })
  return { home: homeOf(context, role), made }
}

async function acquaint({ output }: Context<KeysOptions>, server: Home, client: Home, interrupted: AbortSignal): Promise<void> {
  const [{ partyOf }, { swapOverLoopback }] = await Promise.all([import('../swap/party.ts'), import('../swap/loopback.ts')])
  // Whoever owns both homes need not be asked whether one may trust the other.
  const ofServer = await partyOf({ home: server, output, yes: true })
  const ofClient = await partyOf({ home: client, output, yes: true, address: formatAddress('127.0.0.1', DEFAULT_PORT) })
  await swapOverLoopback(ofServer, ofClient, interrupted)
}

function report({ output }: Context<KeysOptions>, changed: boolean, sides: readonly Side[]): void {
  const rows = sides.map(({ home, made }) => ({
    role: home.paths.role,
    home: home.paths.home,
    made,
    ...keyRecord(home.publicKey),
  }))
  output.result({ changed, homes: rows }, [
    changed
      ? 'two homes are ready, and each trusts the other:'
      : 'two homes stand here, and each trusts the other; nothing was changed:',
    ...rows.flatMap(({ role, home, type, fingerprint, words }) => [
      `${role.padEnd(6)}  ${home}  ${type}`,
      `        ${fingerprint}`,
      `        ${words}`,
    ]),
  ])
}
