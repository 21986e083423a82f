/** `receipts`: what peers have countersigned. */
import type { Role } from '@countersign/keyexchange'
import { CliError, parseIdRange } from '@countersign/keyexchange/cli'
import type { Command } from 'commander'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { printReceipt } from '../receipts.ts'
import { messageOf, type OutboxContext, receiverOf, withOutbox } from './outbox.ts'

export function receipts(program: Command, role: Role): void {
  const group = program.command('receipts').description('the receipts that peers have given')
  group
    .command('list', { isDefault: true })
    .description('list the messages that have a receipt, with it')
    .action((_: unknown, command: Command) => withOutbox(role, command, list))
  group
    .command('export')
    .description('write the evidence of a message into a new folder, or of several into a folder each inside it')
    .argument('<ids>', 'an id, as `outbox list` shows it, a range such as 7-12, or all', parseRange)
    .argument('<dir>', 'the folder; it must not exist yet')
    .action((range: Range, folder: string, _: unknown, command: Command) =>
      withOutbox(role, command, (context) => exportReceipts(context, range, folder)),
    )
}

interface Range {
  readonly first: number
  readonly last: number
}

function parseRange(text: string): Range {
  return text === 'all' ? { first: 1, last: Infinity } : parseIdRange(text)
}

async function list({ home, outbox, output }: OutboxContext<object>): Promise<void> {
  const { receiptOf } = await import('../elsewhere.ts')
  for await (const message of outbox.messages()) {
    if (message.outcome !== undefined) printReceipt(output, receiverOf(message, home), await receiptOf(message))
  }
}

async function exportReceipts(
  { home, outbox, output }: OutboxContext<object>,
  { first, last }: Range,
  folder: string,
): Promise<void> {
  const { exportEvidence, sentEvidence } = await import('@countersign/store')
  if (existsSync(folder))
    throw new CliError('EXISTS', `${folder} exists; nothing was written`, 'name a folder that does not exist yet')
  const keys = { keyOf: (keyId: Uint8Array) => home.evidence(keyId)?.publicKey }
  if (first === last) {
    const evidence = await sentEvidence(await messageOf(outbox, first))
    if (evidence === undefined) {
      throw new CliError('MISSING', `message ${first} has no receipt yet`, '`outbox retry` sends it')
    }
    await exportEvidence(folder, evidence, keys)
    return output.result({ id: first, folder }, [`message ${first}: ${folder}`])
  }
  for await (const message of outbox.messages()) {
    const { serial: id } = message
    const evidence = id >= first && id <= last ? await sentEvidence(message) : undefined
    if (evidence === undefined) continue
    const inner = join(folder, String(id))
    await exportEvidence(inner, evidence, keys)
    output.result({ id, folder: inner }, [`message ${id}: ${inner}`])
  }
}
