/** Asking for a code at the terminal: its words complete with Tab, and a slip is caught before anything is sent. */
import { createInterface } from 'node:readline/promises'
import { CliError } from '../cli/exit.ts'
import type { Output } from '../cli/output.ts'
import { requireInteractive } from '../cli/secret.ts'
import { completeWord, readCode } from './code.ts'

export async function askCode(output: Output): Promise<string> {
  const question = 'The code that the other machine shows: '
  requireInteractive(output, question.trim(), 'give it by --code-file FILE, or --code-file - for standard input')
  const lines = createInterface({ input: process.stdin, output: process.stderr, completer: completeWord, historySize: 0 })
  const interrupted = new Promise<never>((_, reject) => {
    lines.once('SIGINT', () => reject(new CliError('INTERRUPTED', 'interrupted; nothing was sent', 'run it again to go on')))
  })
  try {
    for (;;) {
      const line = await Promise.race([lines.question(question), interrupted])
      try {
        return readCode(line)
      } catch (error) {
        if (!(error instanceof CliError)) throw error
        process.stderr.write(`${error.message}: ${error.hint}\n`)
      }
    }
  } finally {
    lines.close()
  }
}
