/** The `countersign-server` program. */
import { addCommands, createProgram, parseProgram, runProgram } from '@countersign/keyexchange/cli'

const COMMANDS = {
  serve: async () => (await import('./commands/serve.ts')).serve,
  send: async () => (await import('./commands/send.ts')).send,
  outbox: async () => (await import('./commands/outbox.ts')).outbox,
  status: async () => (await import('./commands/status.ts')).status,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  settings: async () => (await import('./commands/settings.ts')).settings,
  verify: async () => (await import('./commands/verify.ts')).verify,
  receipts: async () => (await import('./commands/receipts.ts')).receipts,
  inbox: async () => (await import('./commands/inbox.ts')).inbox,
  hooks: async () => (await import('./commands/hooks.ts')).hooks,
}

export function run(): Promise<void> {
  return runProgram(async (interrupted) => {
    const program = createProgram(
      'countersign-server',
      'Receives messages, stores them, and countersigns each one.',
      new URL('../package.json', import.meta.url),
    )
    await addCommands(program, COMMANDS, interrupted)
    await parseProgram(program)
  })
}
