#!/usr/bin/env node
/** The `keys` program. */
import { createProgram, parseProgram } from './cli/program.ts'
import { runProgram } from './cli/run.ts'
import { both } from './commands/both.ts'
import { exportKey } from './commands/export.ts'
import { importKey } from './commands/import.ts'
import { init } from './commands/init.ts'
import { list } from './commands/list.ts'
import { forgetKey, revokeKey } from './commands/revoke.ts'
import { show } from './commands/show.ts'
import { swapKeys } from './commands/swap.ts'

await runProgram(async (interrupted) => {
  const program = createProgram(
    'keys',
    'Makes, swaps, trusts, rotates and revokes keys.',
    new URL('../package.json', import.meta.url),
  )
  for (const command of [both, init, list, show, exportKey, importKey, swapKeys, revokeKey, forgetKey])
    command(program, interrupted)
  await parseProgram(program)
})
