/** `countersign-server outbox`: what was sent to clients, and what still waits for them. */
import { outbox as outboxOf, retry, withOutbox } from '@countersign/mailbox'
import { type Command, Option } from 'commander'
import { waitOption } from '../sending-options.ts'

interface RetryOptions {
  /** ms */
  readonly wait?: number
  readonly to?: string
}

export function outbox(program: Command, interrupted: AbortSignal): void {
  const command = outboxOf(program, 'server')
    .command('retry')
    .description(
      'wait until what is queued for a client has its receipts, which it gets while the server runs and that client receives',
    )
    .addOption(new Option('--to <peer>', 'which client, where this home trusts several'))
    .action((_: unknown, command: Command) =>
      withOutbox<RetryOptions>('server', command, async ({ home, outbox, options, output }) => {
        const peer = home.peer(options.to)
        const { openQueue } = await import('../sending.ts')
        await retry(outbox, peer, output, () => openQueue(peer, outbox, output, options.wait ?? Infinity, interrupted))
      }),
    )
  waitOption(command)
}
