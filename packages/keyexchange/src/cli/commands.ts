/** The commands of a program, of which a start loads the one that it needs. */
import type { Command } from 'commander'

/** Adds a command to a program. */
export type AddCommand = (program: Command, interrupted: AbortSignal) => void

/** What loads each command, by its name, in the order of the help. */
export type Commands = Readonly<Record<string, () => Promise<AddCommand>>>

/** Adds the command that the words of this process name; all of them where they name none: for help, and for what was meant. */
export async function addCommands(program: Command, commands: Commands, interrupted: AbortSignal): Promise<void> {
  const word = firstWord(program, process.argv.slice(2))
  const wanted = word !== undefined && Object.hasOwn(commands, word) ? [commands[word]!] : Object.values(commands)
  for (const add of await Promise.all(wanted.map((load) => load()))) add(program, interrupted)
}

/** The first word that is no option of the program, nor the value of one; undefined where that is not plain to see. */
export function firstWord(program: Command, words: readonly string[]): string | undefined {
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (!word.startsWith('-')) return word
    const option = program.options.find(({ long, short }) => long === word || short === word)
    if (option === undefined) return undefined
    if (option.required) at += 1
  }
  return undefined
}
