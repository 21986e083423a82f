#!/usr/bin/env node
/** The `countersign-server` program. */
import { createProgram, parseProgram, runProgram } from '@countersign/keyexchange/cli'
import { serve } from './commands/serve.ts'

await runProgram(async (interrupted) => {
  const program = createProgram(
    'countersign-server',
    'Receives messages, stores them, and countersigns each one.',
    new URL('../package.json', import.meta.url),
  )
  for (const command of [serve]) command(program, interrupted)
  await parseProgram(program)
})
