import type { Command } from 'commander'
import { afterEach, expect, test } from 'vitest'
import { addCommands, firstWord } from '../../src/cli/commands.ts'
import { createProgram } from '../../src/cli/program.ts'

const [...argv] = process.argv
afterEach(() => void (process.argv = [...argv]))

function tool(): Command {
  return createProgram('tool', 'Does this and that.', new URL('../../package.json', import.meta.url))
}

/** The commands that a program has, where it is started with these words. */
async function commandsAt(...words: string[]): Promise<string[]> {
  process.argv = [...argv.slice(0, 2), ...words]
  const program = tool()
  const command = (name: string) => async () => (program: Command) => void program.command(name)
  await addCommands(program, { send: command('send'), list: command('list') }, new AbortController().signal)
  return program.commands.map((added) => added.name())
}

test('a program has the command that is named, and no other', async () => {
  expect(await commandsAt('list')).toEqual(['list'])
  expect(await commandsAt('--json', '--root', 'send', 'list', 'send')).toEqual(['list'])
})

test('a program has all its commands, in their order, where none is named, or not plainly', async () => {
  for (const words of [
    [],
    ['--help'],
    ['-h', 'send'],
    ['--root=x', 'send'],
    ['--', 'send'],
    ['lsit'],
    ['help', 'send'],
    ['toString'],
  ]) {
    expect(await commandsAt(...words), words.join(' ')).toEqual(['send', 'list'])
  }
})

test('the value of an option is no command', () => {
  expect(firstWord(tool(), ['--passphrase-file', 'list', '--quiet', 'send'])).toBe('send')
  expect(firstWord(tool(), ['--root'])).toBe(undefined)
})
