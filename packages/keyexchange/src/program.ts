/** The `keys` program. */
import { createProgram, parseProgram } from './cli/program.ts'
import { runProgram } from './cli/run.ts'
import { both } from './commands/both.ts'
import { completion } from './commands/completion.ts'
import { convert } from './commands/convert.ts'
import { doctor } from './commands/doctor.ts'
import { exportKey } from './commands/export.ts'
import { importKey } from './commands/import.ts'
import { init } from './commands/init.ts'
import { list } from './commands/list.ts'
import { passwd } from './commands/passwd.ts'
import { forgetKey, revokeKey } from './commands/revoke.ts'
import { acceptKey, rotateKey } from './commands/rotate.ts'
import { show } from './commands/show.ts'
import { swapKeys } from './commands/swap.ts'

const commands = [
  init,
  swapKeys,
  list,
  show,
  exportKey,
  importKey,
  revokeKey,
  forgetKey,
  rotateKey,
  acceptKey,
  passwd,
  convert,
  doctor,
  completion,
  // Last, because what it lets pass no other command may.
  both,
]

export function run(): Promise<void> {
  return runProgram(async (interrupted) => {
    const program = createProgram(
      'keys',
      'Makes, swaps, trusts, rotates and revokes keys. With no words: two homes on this machine that trust each other.',
      new URL('../package.json', import.meta.url),
    )
    for (const command of commands) command(program, interrupted)
    await parseProgram(program)
  })
}
