/** `countersign-client outbox`: what was sent, and what still waits. */
import { equal } from '@countersign/core/protocol'
import { narrator } from '@countersign/keyexchange/cli'
import { outbox as outboxOf, type OutboxContext, printReceipt, withOutbox } from '@countersign/mailbox'
import type { Command } from 'commander'
import { type PeerOptions, serverOptions } from '../options.ts'

export function outbox(program: Command, interrupted: AbortSignal): void {
  const retry = outboxOf(program, 'client')
    .command('retry')
    .description('send what waits, until all of it has its receipt')
    .action((_: unknown, command: Command) =>
      withOutbox<PeerOptions>('client', command, (context) => sendWaiting(context, interrupted)),
    )
  serverOptions(retry)
}

async function sendWaiting(
  { home, outbox, options, output }: OutboxContext<PeerOptions>,
  interrupted: AbortSignal,
): Promise<void> {
  const { openDurable } = await import('../durable.ts')
  const peer = home.peer(options.to)
  const waiting: number[] = []
  for await (const { serial, outcome, receiver } of outbox.messages()) {
    if (outcome === undefined && equal(receiver, peer.keys[0]!.id)) waiting.push(serial)
  }
  const tell = options.trace ? narrator((line) => output.note(line)) : undefined
  const journey = { home, peer, output, interrupted, trace: (event: Parameters<NonNullable<typeof tell>>[0]) => tell?.(event) }
  if (waiting.length > 0) {
    await using way = await openDurable(journey, outbox, options)
    await Promise.race([outbox.drained(peer, way.over), interruption(way.over)])
    if (way.over.aborted) throw way.over.reason
  }
  const { receiptOf } = await import('@countersign/mailbox/stored')
  for (const serial of waiting) {
    const message = await outbox.message(serial)
    if (message?.outcome !== undefined) printReceipt(output, peer, await receiptOf(message))
  }
}

function interruption(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
