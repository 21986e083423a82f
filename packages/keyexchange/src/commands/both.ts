/** `keys` with no words: two homes on one machine that know each other, in one step. */
import type { Command } from 'commander'
import { CliError } from '../cli/exit.ts'
import { createHome, homeExists } from '../home/create.ts'
import { pin } from '../home/pin.ts'
import { contextOf, homeOf, keyRecord, pathsOf } from './context.ts'

export function both(program: Command): void {
  program.allowExcessArguments().action(async (_: unknown, command: Command) => {
    const [unknown] = command.args
    if (unknown !== undefined) throw new CliError('USAGE', `there is no command ${unknown}`, 'see --help')
    const context = contextOf(command)
    const homes = await Promise.all(
      (['server', 'client'] as const).map(async (role) => {
        const paths = pathsOf(context, role)
        const made = !homeExists(paths)
        if (made) await createHome(paths, { name: role })
        return { made, home: homeOf(context, role) }
      }),
    )
    const [server, client] = homes as [(typeof homes)[0], (typeof homes)[0]]
    const pins = [
      pin(server.home, client.home.name, client.home.publicKey, 'made on the same machine'),
      pin(client.home, server.home.name, server.home.publicKey, 'made on the same machine'),
    ]
    const rows = homes.map(({ made, home }, i) => ({
      role: home.paths.role,
      home: home.paths.home,
      made,
      peer: pins[i]!.name,
      ...keyRecord(home.publicKey),
    }))
    const changed = rows.some(({ made }) => made) || pins.some(({ existed }) => !existed)
    context.output.result({ changed, homes: rows }, [
      changed
        ? 'two homes are ready, and each trusts the other:'
        : 'two homes stand here, and each trusts the other; nothing was changed:',
      ...rows.flatMap(({ role, home, type, fingerprint, words }) => [
        `${role.padEnd(6)}  ${home}  ${type}`,
        `        ${fingerprint}`,
        `        ${words}`,
      ]),
    ])
  })
}
