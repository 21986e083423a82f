#!/usr/bin/env node
/** The `countersign-client` program. */
import { CliError, createProgram, noCommand, parseProgram, runProgram } from '@countersign/keyexchange/cli'
import { hooks, inbox, receipts } from '@countersign/mailbox'
import type { Command } from 'commander'
import { doctor } from './commands/doctor.ts'
import { explain } from './commands/explain.ts'
import { outbox } from './commands/outbox.ts'
import { ping } from './commands/ping.ts'
import { receive } from './commands/receive.ts'
import { send } from './commands/send.ts'
import { watch } from './commands/watch.ts'
import { verify } from './commands/verify.ts'

await runProgram(async (interrupted) => {
  const program = createProgram(
    'countersign-client',
    'Sends messages and keeps the receipt of each one.',
    new URL('../package.json', import.meta.url),
  )
  for (const command of [send, watch, receive, outbox, ping, doctor, verify, explain]) command(program, interrupted)
  receipts(program, 'client')
  inbox(program, 'client', interrupted)
  hooks(program, 'client')
  // Last, because what it lets pass no command may.
  program.allowExcessArguments().action((_: unknown, { args: [word] }: Command) => {
    const hint = 'to send a text: countersign-client send TEXT; see --help'
    throw word === undefined ? new CliError('USAGE', 'no command was given', hint) : noCommand(program, word, hint)
  })
  await parseProgram(program)
})
