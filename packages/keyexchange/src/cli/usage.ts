/** What was wrong with a command line, and how it is written. */
import type { Command, CommanderError, Option } from 'commander'
import { CliError } from './exit.ts'

/**
 * Says what commander found, and what helps.
 *
 * @param words the command line, without the program
 */
export function usageError(program: Command, words: readonly string[], { message }: CommanderError): CliError {
  const [what = '', suggestion] = message.replace(/^error: /, '').split('\n')
  const command = commandOf(program, words)
  const [, meant] = /^\(Did you mean (.*)\?\)$/.exec(suggestion ?? '') ?? []
  const help = `\`${pathOf(command)} --help\``
  const option = optionsOf(command).find(({ flags }) => what.includes(`'${flags}'`))
  return new CliError(
    'USAGE',
    what,
    `${meant === undefined ? ruleOf(command, what, option) : `did you mean ${meant}?`} See ${help}`,
  )
}

function ruleOf(command: Command, what: string, option: Option | undefined): string {
  if (option !== undefined) return `${option.flags}: ${option.description}${defaultOf(option)}.`
  if (what.startsWith('unknown option') && command.options.length > 0) {
    return `it takes ${command.options.map(({ long }) => long).join(', ')}.`
  }
  return `write it as: ${pathOf(command)} ${command.usage()}.`
}

function defaultOf({ defaultValue, defaultValueDescription }: Option): string {
  const value = defaultValueDescription ?? (defaultValue as string | number | boolean | undefined)
  return value === undefined ? '' : `; ${value} where it is not said`
}

/** The command that the words name. An option's value that reads like a command is taken for one: it is only for a hint. */
function commandOf(program: Command, words: readonly string[]): Command {
  let command = program
  for (const word of words) command = command.commands.find((inner) => inner.name() === word) ?? command
  return command
}

function optionsOf(command: Command): Option[] {
  return [...command.options, ...(command.parent === null ? [] : optionsOf(command.parent))]
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}
