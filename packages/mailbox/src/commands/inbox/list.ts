/** `inbox list`: the messages of the journal, one line each. */
import { fromUtf8 } from '@countersign/core/protocol'
import type { Role } from '@countersign/keyexchange'
import { formatSize, parseId, printable, style } from '@countersign/keyexchange/cli'
import type { Command } from 'commander'
import { answers, type Letter, stored } from '../../letter.ts'
import { recordOf } from '../../print.ts'
import { withInbox } from './context.ts'

interface ListOptions {
  readonly after?: number
  readonly from?: string
  readonly limit?: number
  readonly inReplyTo?: string
  readonly follow?: boolean
}

/** Bodies up to this length, in bytes, are looked into for a first line. */
const MOST_PREVIEW = 64 * 1024

export function list(inbox: Command, role: Role, interrupted: AbortSignal): void {
  inbox
    .command('list', { isDefault: true })
    .description('list the messages: id, when they came, from whom, and how they begin')
    .option('--after <id>', 'begin behind this one', parseId)
    .option('--from <peer>', "only this peer's")
    .option('--in-reply-to <id>', 'only answers to the message with this id')
    .option('--limit <n>', 'so many at the most', parseId)
    .option('--follow', 'go on with those that come')
    .action((_: unknown, command: Command) =>
      withInbox<ListOptions>(role, command, async ({ home, journal, options, output }) => {
        const { after = 0, from, inReplyTo, limit = Infinity, follow = false } = options
        let shown = 0
        for await (const message of journal.messages({ after, follow, signal: interrupted })) {
          const letter = await stored(message, home)
          if ((from !== undefined && letter.from.name !== from) || !answers(letter, inReplyTo)) continue
          output.result({ event: 'message', ...recordOf(letter) }, [await line(letter)])
          if ((shown += 1) >= limit) break
        }
      }),
    )
}

async function line({ id, from, number, receivedAt, content }: Letter): Promise<string> {
  const start = `${String(id).padStart(6)}  ${receivedAt.toISOString()}  ${style('bold', from.name)} #${number}`
  if (content === undefined) return `${start}  ${style('dim', 'pruned')}`
  const { attributes, length } = content
  const name = attributes.get('name')
  const text = length <= MOST_PREVIEW ? fromUtf8(await content.bytes()) : undefined
  const begins = name ?? text?.split('\n', 1)[0]?.slice(0, 60) ?? attributes.get('content-type') ?? ''
  return `${start}  ${formatSize(length)}  ${printable(begins)}`
}
