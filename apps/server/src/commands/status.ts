/** `countersign-server status`: what a running server of this home says of itself. */
import { homePaths, resolveRoot } from '@countersign/keyexchange'
import { CliError, type CommonOptions, formatAddress, formatSize, outputOf, printable, style } from '@countersign/keyexchange/cli'
import type { Command } from 'commander'
import { askStatus, type Status, statusSocket } from '../watch/status.ts'
import type { Restored } from '../watch/view.ts'

export function status(program: Command): void {
  program
    .command('status')
    .description('ask the running server of this home how it does; fails where none runs, or it cannot store messages')
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>()
      const output = outputOf(options)
      const { state, home } = homePaths(resolveRoot(options.root), 'server')
      const said = await askStatus(statusSocket(state))
      if (said === undefined) {
        throw new CliError(
          'NETWORK',
          `no server runs on the home ${home}`,
          'start it: countersign-server; or name another with --root',
        )
      }
      output.result({ running: true, ...said }, linesOf(said))
      if (said.notReady !== undefined) {
        throw new CliError(
          'STORAGE',
          `the server cannot store messages: ${said.notReady}`,
          'see to its disk; it goes on by itself then',
        )
      }
    })
}

function linesOf({
  pid,
  name,
  since,
  listening,
  notReady,
  sessions,
  handshakes,
  receipts,
  messages,
  bytes,
  journal,
  waiting,
}: Status): string[] {
  const place = typeof listening === 'string' ? listening : formatAddress(listening.host, listening.port)
  const rows: [string, string][] = [
    ['running', `as ${name}, process ${pid}, since ${since}`],
    ['listening', place],
    ['ready', notReady === undefined ? 'yes' : `no: ${notReady}`],
    ['sessions', sessions.length === 0 ? '0' : `${sessions.length}: ${sessions.join(', ')}`],
    ['handshakes', countsIn(handshakes)],
    ['received', `${messages} messages, ${formatSize(bytes)}`],
    ['receipts', countsIn(receipts)],
    ...(journal
      ? [
          ['journal', `${journal.messages} messages, ${journal.receipts} receipts, ${formatSize(journal.bytes)}`] as [
            string,
            string,
          ],
        ]
      : []),
    ...(journal?.restored ? [['restored', restoredIn(journal.restored)] as [string, string]] : []),
    ['waiting', countsIn(waiting)],
  ]
  return rows.map(([what, said]) => `${style('bold', what.padEnd(10))}  ${printable(said)}`)
}

function restoredIn({ at, messages, unheard }: Restored): string {
  return `at ${at} from a backup of ${messages} messages; ${unheard} outboxes have not been heard of since`
}

function countsIn(counts: Readonly<Record<string, number>>): string {
  const some = Object.entries(counts).filter(([, count]) => count > 0)
  return some.length === 0 ? 'none' : some.map(([name, count]) => `${name} ${count}`).join(', ')
}
