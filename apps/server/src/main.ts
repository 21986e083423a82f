#!/usr/bin/env node
/** The `countersign-server` program. */
import { createProgram, parseProgram, runProgram } from '@countersign/keyexchange/cli'
import { hooks, inbox, receipts } from '@countersign/mailbox'
import { doctor } from './commands/doctor.ts'
import { serve } from './commands/serve.ts'
import { outbox } from './commands/outbox.ts'
import { send } from './commands/send.ts'
import { settings } from './commands/settings.ts'
import { status } from './commands/status.ts'
import { verify } from './commands/verify.ts'

await runProgram(async (interrupted) => {
  const program = createProgram(
    'countersign-server',
    'Receives messages, stores them, and countersigns each one.',
    new URL('../package.json', import.meta.url),
  )
  for (const command of [serve, send, outbox, status, doctor, settings, verify]) command(program, interrupted)
  receipts(program, 'server')
  inbox(program, 'server', interrupted)
  hooks(program, 'server')
  await parseProgram(program)
})
