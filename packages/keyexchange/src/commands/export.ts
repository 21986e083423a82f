/** `keys export`: this home's public key, to hand out. */
import type { Command } from 'commander'
import { type About, publicKeyFile } from '../home/about.ts'
import { asOption, contextOf, homeOf, keyRecord } from './context.ts'

export function exportKey(program: Command): void {
  program
    .command('export')
    .description("print this home's public key in PEM")
    .addOption(asOption())
    .action((_: unknown, command: Command) => {
      const context = contextOf(command)
      const { name, publicKey, about } = homeOf(context)
      const handedOut: About = { name, ...(about.date !== undefined && { date: about.date }) }
      const pem = publicKeyFile(publicKey, handedOut)
      context.output.result({ name, ...keyRecord(publicKey), pem }, [pem.trimEnd()])
      context.output.note(`its fingerprint, to be compared on another way: ${publicKey.fingerprint}`)
    })
}
