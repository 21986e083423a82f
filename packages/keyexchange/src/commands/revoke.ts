/** `keys revoke` and `keys forget`: ceasing to trust a peer, for good or not. */
import type { Command } from 'commander'
import { forget, revoke } from '../home/pin.ts'
import { asOption, contextOf, keyRecord, pathsOf, roleOf } from './context.ts'

export function revokeKey(program: Command): void {
  program
    .command('revoke')
    .description('refuse the key of a peer for good')
    .argument('<name>', 'of the peer')
    .addOption(asOption())
    .action((name: string, _: unknown, command: Command) => {
      const context = contextOf(command)
      const publicKey = revoke(pathsOf(context, roleOf(context)), name)
      const record = keyRecord(publicKey)
      context.output.result({ revoked: name, ...record }, [
        `${name} is revoked: its key is refused from now on`,
        `  ${record.fingerprint}`,
      ])
    })
}

export function forgetKey(program: Command): void {
  program
    .command('forget')
    .description('cease to trust a peer, who may be trusted again')
    .argument('<name>', 'of the peer')
    .addOption(asOption())
    .action((name: string, _: unknown, command: Command) => {
      const context = contextOf(command)
      forget(pathsOf(context, roleOf(context)), name)
      context.output.result({ forgotten: name }, [`${name} is no longer trusted`])
    })
}
