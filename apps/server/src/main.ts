#!/usr/bin/env node
/** The `countersign-server` program. */
import { createProgram, parseProgram, runProgram } from '@countersign/keyexchange/cli'
import { hooks } from './commands/hooks.ts'
import { inbox } from './commands/inbox.ts'
import { serve } from './commands/serve.ts'
import { verify } from './commands/verify.ts'

await runProgram(async (interrupted) => {
  const program = createProgram(
    'countersign-server',
    'Receives messages, stores them, and countersigns each one.',
    new URL('../package.json', import.meta.url),
  )
  for (const command of [serve, inbox, hooks, verify]) command(program, interrupted)
  await parseProgram(program)
})
