/** `outbox`: what was sent, and what still waits. */
import type { Peer } from '@countersign/core'
import { equal } from '@countersign/core/protocol'
import { type Home, openHome, type Role } from '@countersign/keyexchange'
import {
  CliError,
  type CommonOptions,
  formatSize,
  type Output,
  outputOf,
  passphraseAsker,
  printable,
  style,
  parseId,
} from '@countersign/keyexchange/cli'
import type { OutboxMessage, StoredOutbox } from '@countersign/store'
import type { Command } from 'commander'
import { printReceipt } from '../receipts.ts'

export interface OutboxContext<O> {
  readonly home: Home
  readonly outbox: StoredOutbox
  readonly options: O & CommonOptions
  readonly output: Output
}

/** Opens home and outbox for a command, and closes the outbox behind it. */
export async function withOutbox<O = object>(
  role: Role,
  command: Command,
  work: (context: OutboxContext<O>) => Promise<void>,
): Promise<void> {
  const options = command.optsWithGlobals<O & CommonOptions>()
  const output = outputOf(options)
  const home = openHome({ root: options.root, role, passphrase: passphraseAsker(options, output) })
  const { openExistingOutbox } = await import('../outbox.ts')
  await using outbox = await openExistingOutbox(home, output)
  await work({ home, outbox, options, output })
}

/** @throws CliError MISSING */
export async function messageOf(outbox: StoredOutbox, id: number): Promise<OutboxMessage> {
  const message = await outbox.message(id)
  if (message) return message
  throw new CliError('MISSING', `there is no message ${id} in the outbox`, '`outbox list` shows their ids')
}

/** @returns the group of its commands: each program sends what waits in its own way */
export function outbox(program: Command, role: Role): Command {
  const group = program.command('outbox').description('the messages that were sent, and those that still wait')
  group
    .command('list', { isDefault: true })
    .description('list the messages: id, when, to whom, and what became of them')
    .option('--queued', 'only those without a receipt')
    .action((_: unknown, command: Command) => withOutbox<{ queued?: boolean }>(role, command, list))
  group
    .command('show')
    .description('print one message and its receipts')
    .argument('<id>', 'as `outbox list` shows it', parseId)
    .action((id: number, _: unknown, command: Command) => withOutbox(role, command, (context) => show(context, id)))
  group
    .command('drop')
    .description('withdraw a message that has no receipt yet')
    .argument('<id>', 'as `outbox list` shows it', parseId)
    .action((id: number, _: unknown, command: Command) => withOutbox(role, command, (context) => drop(context, id)))
  return group
}

async function list({ home, outbox, options, output }: OutboxContext<{ queued?: boolean }>): Promise<void> {
  for await (const message of outbox.messages()) {
    if (options.queued && message.outcome !== undefined) continue
    output.result(await recordOf(message, home), [await lineOf(message, home)])
  }
}

async function show({ home, outbox, output }: OutboxContext<object>, id: number): Promise<void> {
  const message = await messageOf(outbox, id)
  const content = await message.content()
  output.result({ ...(await recordOf(message, home)), attributes: content && Object.fromEntries(content.attributes) }, [
    await lineOf(message, home),
    ...[...(content?.attributes ?? [])].map(([name, value]) => style('dim', `    ${printable(name)}: ${printable(value)}`)),
  ])
  const { receiptOf } = await import('../elsewhere.ts')
  if (message.outcome !== undefined) printReceipt(output, receiverOf(message, home), await receiptOf(message))
}

async function drop({ outbox, output }: OutboxContext<object>, id: number): Promise<void> {
  const { outcome } = await messageOf(outbox, id)
  if (!(await outbox.drop(id))) {
    throw new CliError(
      'CONFLICT',
      `message ${id} has its receipt already (${outcome}); nothing was changed`,
      'what has arrived cannot be withdrawn',
    )
  }
  output.result({ id, dropped: true }, [`message ${id} is withdrawn; its receipt will say whether it had arrived before`])
}

/** Whom a message is for: by its name here, where that is still known. */
export function receiverOf({ receiver }: OutboxMessage, home: Home): Peer {
  const known = home.evidence(receiver)
  const peer = home.peers.find(({ keys }) => keys.some(({ id }) => equal(id, receiver)))
  return peer ?? { name: known?.name ?? 'a peer that is forgotten', keys: known ? [known.publicKey] : [] }
}

async function recordOf(message: OutboxMessage, home: Home): Promise<object> {
  const { serial, number, queuedAt, outcome, dropped } = message
  const { name } = receiverOf(message, home)
  const length = (await message.content())?.length
  return { id: serial, number, to: name, queuedAt: queuedAt.toISOString(), outcome: outcome ?? 'queued', dropped, length }
}

async function lineOf(message: OutboxMessage, home: Home): Promise<string> {
  const { serial, number, queuedAt, outcome, dropped } = message
  const content = await message.content()
  const became = outcome ?? (dropped ? 'withdrawn, without receipt yet' : 'queued')
  const what = content
    ? `${formatSize(content.length)}  ${printable(content.attributes.get('name') ?? '')}`
    : 'body no longer held'
  return `${String(serial).padStart(6)}  ${queuedAt.toISOString()}  ${receiverOf(message, home).name} #${number}  ${became}  ${what}`.trimEnd()
}
