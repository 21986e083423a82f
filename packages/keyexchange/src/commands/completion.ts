/** `keys completion`: scripts for shells, made of the commands and options themselves. */
import { Argument, type Command } from 'commander'

const PROGRAM = 'countersign-keys'

/** A command with its words and options, as a shell completes them. */
interface Entry {
  readonly name: string
  readonly description: string
  readonly options: readonly {
    readonly flag: string
    readonly description: string
    readonly takesValue: boolean
    readonly choices: readonly string[]
  }[]
}

export function completion(program: Command): void {
  program
    .command('completion')
    .description('print a script that completes commands and options')
    .addArgument(new Argument('<shell>').choices(Object.keys(SCRIPTS)))
    .action((shell: keyof typeof SCRIPTS) => {
      const common = entryOf(program)
      const entries = program.commands.map((command) => ({
        ...entryOf(command),
        options: [...entryOf(command).options, ...common.options],
      }))
      process.stdout.write(SCRIPTS[shell](entries))
    })
}

function entryOf(command: Command): Entry {
  const options = command.options.map((option) => ({
    flag: option.long!,
    description: option.description,
    takesValue: option.required,
    choices: option.argChoices ?? [],
  }))
  return { name: command.name(), description: command.description(), options }
}

const SCRIPTS = { bash, zsh, fish } as const

function bash(entries: readonly Entry[]): string {
  const cases = entries.map(({ name, options }) => `    ${name}) words="${options.map(({ flag }) => flag).join(' ')}" ;;`)
  const choices = choicesOf(entries).map(
    ([flag, values]) => `    ${flag}) COMPREPLY=($(compgen -W "${values.join(' ')}" -- "$current")); return ;;`,
  )
  return `# ${PROGRAM}: source this file, or put it into bash's folder of completions
_${identifier()}() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} words
  case $before in
${choices.join('\n')}
  esac
  case $command in
${cases.join('\n')}
    *) words="${entries.map(({ name }) => name).join(' ')}" ;;
  esac
  if [[ $current == -* || $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _${identifier()} ${PROGRAM}
`
}

function zsh(entries: readonly Entry[]): string {
  const commands = entries.map(({ name, description }) => `    ${quote(`${name}:${description}`)}`)
  const cases = entries.map(({ name, options }) => {
    const specs = options.map(({ flag, description, takesValue, choices }) => {
      const value = choices.length > 0 ? `:value:(${choices.join(' ')})` : ':value:_files'
      return quote(`${flag}[${description.replaceAll(/[[\]:]/g, '\\$&')}]${takesValue ? value : ''}`)
    })
    return `    ${name}) _arguments ${specs.join(' ')} '*:file:_files' ;;`
  })
  return `#compdef ${PROGRAM}
# ${PROGRAM}: put this file into a folder of fpath as _${PROGRAM}, or source it
_${identifier()}() {
  local -a commands
  commands=(
${commands.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
compdef _${identifier()} ${PROGRAM}
`
}

function fish(entries: readonly Entry[]): string {
  const lines = entries.flatMap(({ name, description, options }) => [
    `complete -c ${PROGRAM} -n __fish_use_subcommand -f -a ${name} -d ${quote(description)}`,
    ...options.map(({ flag, description: about, takesValue, choices }) => {
      const value = choices.length > 0 ? ` -x -a ${quote(choices.join(' '))}` : takesValue ? ' -r' : ''
      return `complete -c ${PROGRAM} -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}${value} -d ${quote(about)}`
    }),
  ])
  return `# ${PROGRAM}: put this file into fish's folder of completions\n${lines.join('\n')}\n`
}

function choicesOf(entries: readonly Entry[]): [string, readonly string[]][] {
  const found = entries.flatMap(({ options }) => options).filter(({ choices }) => choices.length > 0)
  return [...new Map(found.map(({ flag, choices }) => [flag, choices]))]
}

function identifier(): string {
  return PROGRAM.replaceAll('-', '_')
}

/** One word of any of these shells. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
