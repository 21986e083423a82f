/** A word where a command was expected. */
import type { Command } from 'commander'
import { CliError } from './exit.ts'
import { nearest } from './nearest.ts'

/** The failure of a word that is no command of a program; its hint names the command that was meant, where one is near. */
export function noCommand(program: Command, word: string, hint: string = 'see --help'): CliError {
  const names = program.commands.map((command) => command.name())
  const near = nearest(word.slice(0, 16), names)
  const meant = near !== undefined && near.slips <= 2 && near.slips < word.length ? `did you mean ${near.word}?` : hint
  return new CliError('USAGE', `there is no command ${word}`, meant)
}
