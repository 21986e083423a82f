/** `keys list`: every key of every home. */
import type { PublicKey } from '@countersign/core'
import type { Command } from 'commander'
import { describeFailure } from '../cli/failure.ts'
import { CliError } from '../cli/exit.ts'
import { printable, style } from '../cli/text.ts'
import type { About } from '../home/about.ts'
import type { Home } from '../home/home.ts'
import { resolveRoot } from '../home/layout.ts'
import {
  asOption,
  type Context,
  contextOf,
  existingRoles,
  homeOf,
  type KeyRecord,
  keyRecord,
  type KeysOptions,
} from './context.ts'

interface Row extends KeyRecord {
  readonly home: string
  readonly status: 'own' | 'peer' | 'revoked'
  readonly name: string
  readonly since?: string
  readonly origin?: string
  readonly address?: string
}

export function list(program: Command): void {
  program
    .command('list')
    .description('list the keys of the homes')
    .addOption(asOption())
    .action((_: unknown, command: Command) => {
      const context = contextOf(command)
      const homes = openHomes(context)
      const rows = homes.flatMap(rowsOf)
      const problems = homes.flatMap((home) => home.problems).map(({ error }) => describeFailure(error).message)
      context.output.result({ keys: rows, problems }, rows.flatMap(linesOf))
      for (const problem of problems) context.output.note(printable(`left out: ${problem}`))
    })
}

/** The home that --as says, else all that there are. @throws CliError MISSING */
export function openHomes(context: Context<KeysOptions>): Home[] {
  const { as, root } = context.options
  const roles = as === undefined ? existingRoles(context) : [as]
  if (roles.length > 0) return roles.map((role) => homeOf(context, role))
  throw new CliError(
    'MISSING',
    `no home of keys at ${resolveRoot(root).homes}`,
    'make one with `keys init`, or name its folder with --root',
  )
}

function rowsOf(home: Home): Row[] {
  const row = (status: Row['status'], name: string, publicKey: PublicKey, { date, origin, address }: About): Row => ({
    home: home.paths.role,
    status,
    name,
    ...keyRecord(publicKey),
    ...(date !== undefined && { since: date }),
    ...(origin !== undefined && { origin }),
    ...(address !== undefined && { address }),
  })
  return [
    row('own', home.name, home.publicKey, home.about),
    ...home.peers.map(({ name, publicKey, about }) => row('peer', name, publicKey, about)),
    ...home.revoked.map(({ name, publicKey, about }) => row('revoked', name, publicKey, about)),
  ]
}

const STATUS_STYLE = { own: 'bold', peer: 'green', revoked: 'red' } as const

export function linesOf({ home, status, name, type, fingerprint, words, since, origin, address }: Row): string[] {
  const details = [since, origin, address].filter((detail) => detail !== undefined)
  return [
    `${home.padEnd(6)}  ${style(STATUS_STYLE[status], status.padEnd(7))}  ${printable(name)}  ${type}`,
    `        ${fingerprint}`,
    `        ${words}`,
    ...(details.length > 0 ? [`        ${printable(details.join(', '))}`] : []),
  ]
}
