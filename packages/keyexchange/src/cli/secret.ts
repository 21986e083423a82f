/** Secrets come from a prompt, a file, a descriptor or standard input: never from the command line, where others can read them. */
import { readFileSync } from 'node:fs'
import { CliError } from './exit.ts'
import type { Output } from './output.ts'

/** A path, `-` for standard input, or an open descriptor */
export type SecretSource = string | number

/** Reads a secret: the first line of the source. */
export function readSecret(source: SecretSource, what: string): string {
  const path = source === '-' ? 0 : source
  const [secret = ''] = readFileSync(path, 'utf8').split(/\r?\n/, 1)
  if (secret === '') throw new CliError('USAGE', `the ${what} is empty`, `write the ${what} on the first line of its file`)
  return secret
}

/** Asks for a secret at the terminal, without showing it. */
export async function askSecret(output: Output, question: string, hint: string): Promise<string> {
  requireInteractive(output, question, hint)
  const { password } = await import('@clack/prompts')
  return answered(await password({ message: question, output: process.stderr }))
}

/** Fails where nobody can be asked. */
export function requireInteractive(output: Output, question: string, hint: string): void {
  if (!output.interactive) throw new CliError('USAGE', `nobody can be asked here: ${question}`, hint)
}

/** The answer of a prompt; the person's Ctrl-C is an interruption. */
export function answered<T>(answer: T): Exclude<T, symbol> {
  if (typeof answer === 'symbol') throw new CliError('INTERRUPTED', 'interrupted; nothing was changed', 'run it again to go on')
  return answer as Exclude<T, symbol>
}
