/** `keys show`: one key, with a code to scan. */
import type { PublicKey } from '@countersign/core'
import type { Command } from 'commander'
import { printable } from '../cli/text.ts'
import type { About } from '../home/about.ts'
import type { Home } from '../home/home.ts'
import { asOption, contextOf, keyRecord } from './context.ts'
import { openHomes } from './list.ts'

export function show(program: Command): void {
  program
    .command('show')
    .description("show this home's own key, or a peer's")
    .argument('[name]', 'of a peer')
    .addOption(asOption())
    .action(async (name: string | undefined, _: unknown, command: Command) => {
      const context = contextOf(command)
      for (const home of select(openHomes(context), name)) {
        const shown = name === undefined ? { name: home.name, publicKey: home.publicKey, about: home.about } : home.peer(name)
        const { address, date, origin } = shown.about
        const record = keyRecord(shown.publicKey)
        const details = { home: home.paths.role, name: shown.name, ...record, since: date, origin, address }
        context.output.result(details, [...lines(details), '', ...(await qrCode(shown.publicKey, shown.about))])
      }
    })
}

/** With a name, the one home that knows it. */
function select(homes: Home[], name: string | undefined): Home[] {
  if (name === undefined) return homes
  return [homes.find((home) => home.peers.some((peer) => peer.name === name)) ?? homes[0]!]
}

function lines(details: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(details)
    .filter(([, value]) => value !== undefined)
    .map(([label, value]) => `${label.padEnd(12)} ${printable(value!)}`)
}

/** The fingerprint and, where it is known, the address, with a space between. */
async function qrCode({ fingerprint }: PublicKey, { address }: About): Promise<string[]> {
  const { renderUnicodeCompact } = await import('uqr')
  return renderUnicodeCompact([fingerprint, address].filter((part) => part !== undefined).join(' ')).split('\n')
}
