/** The `countersign-client` program. */
import { addCommands, CliError, createProgram, noCommand, parseProgram, runProgram } from '@countersign/keyexchange/cli'
import type { Command } from 'commander'

const COMMANDS = {
  send: async () => (await import('./commands/send.ts')).send,
  watch: async () => (await import('./commands/watch.ts')).watch,
  receive: async () => (await import('./commands/receive.ts')).receive,
  outbox: async () => (await import('./commands/outbox.ts')).outbox,
  ping: async () => (await import('./commands/ping.ts')).ping,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  verify: async () => (await import('./commands/verify.ts')).verify,
  explain: async () => (await import('./commands/explain.ts')).explain,
  receipts: async () => (await import('./commands/receipts.ts')).receipts,
  inbox: async () => (await import('./commands/inbox.ts')).inbox,
  hooks: async () => (await import('./commands/hooks.ts')).hooks,
}

export function run(): Promise<void> {
  return runProgram(async (interrupted) => {
    const program = createProgram(
      'countersign-client',
      'Sends messages and keeps the receipt of each one.',
      new URL('../package.json', import.meta.url),
    )
    await addCommands(program, COMMANDS, interrupted)
    // Last, because what it lets pass no command may.
    program.allowExcessArguments().action((_: unknown, { args: [word] }: Command) => {
      const hint = 'to send a text: countersign-client send TEXT; see --help'
      throw word === undefined ? new CliError('USAGE', 'no command was given', hint) : noCommand(program, word, hint)
    })
    await parseProgram(program)
  })
}
