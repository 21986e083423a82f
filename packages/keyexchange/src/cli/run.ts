/** How each of the three programs starts, stops and fails. */
import { describeFailure, type Failure } from './failure.ts'
import { EXIT } from './exit.ts'
import { printable, styleError } from './text.ts'

/**
 * Runs a whole program and sets the exit status of the process.
 *
 * @param main does the work; its signal aborts at the first SIGINT or SIGTERM (a second one ends the process at once).
 *   Where it then throws, the exit status is 130; where it returns, as a server does that has stopped in good order, 0.
 */
export async function runProgram(main: (interrupted: AbortSignal) => Promise<void>): Promise<void> {
  const interruption = new AbortController()
  const interrupt = (): void => {
    if (interruption.signal.aborted) process.exit(EXIT.INTERRUPTED)
    interruption.abort()
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader of a pipe had enough, as `| head` does.
    if (error.code === 'EPIPE') process.exit(EXIT.DONE)
    throw error
  })
  try {
    await main(interruption.signal)
  } catch (error) {
    const failure = describeFailure(error)
    process.exitCode = interruption.signal.aborted ? EXIT.INTERRUPTED : failure.exit
    printFailure(failure)
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}

/** Prints one `error:` and one `hint:` line on standard error; with --json also one object on standard output. */
export function printFailure({ code, exit, message, hint }: Failure): void {
  process.stderr.write(
    `${styleError('red', 'error:')} ${printable(message)}\n${styleError('cyan', 'hint:')} ${printable(hint)}\n`,
  )
  if (jsonWanted()) process.stdout.write(`${JSON.stringify({ error: { code, exit, message, hint } })}\n`)
}

/** Read from the words themselves: options may be what could not be parsed. */
function jsonWanted(): boolean {
  const words = process.argv.slice(2)
  const end = words.indexOf('--')
  return words.slice(0, end < 0 ? undefined : end).includes('--json')
}
