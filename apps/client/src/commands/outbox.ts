/** `countersign-client outbox`: what was sent, and what still waits. */
import { narrator } from '@countersign/keyexchange/cli'
import { outbox as outboxOf, type OutboxContext, retry, withOutbox } from '@countersign/mailbox'
import type { Command } from 'commander'
import { type PeerOptions, serverOptions } from '../options.ts'

export function outbox(program: Command, interrupted: AbortSignal): void {
  const command = outboxOf(program, 'client')
    .command('retry')
    .description('send what waits, until all of it has its receipt')
    .action((_: unknown, command: Command) =>
      withOutbox<PeerOptions>('client', command, (context) => sendWaiting(context, interrupted)),
    )
  serverOptions(command)
}

async function sendWaiting(
  { home, outbox, options, output }: OutboxContext<PeerOptions>,
  interrupted: AbortSignal,
): Promise<void> {
  const peer = home.peer(options.to)
  const trace = options.trace ? narrator((line) => output.note(line)) : () => {}
  await retry(outbox, peer, output, async () => {
    const { openDurable } = await import('../durable.ts')
    return openDurable({ home, peer, output, interrupted, trace }, outbox, options)
  })
}
