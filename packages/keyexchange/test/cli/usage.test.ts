/** What was wrong with a command line is told together with how it is written. */
import { Command, type CommanderError } from 'commander'
import { expect, test } from 'vitest'
import { createProgram } from '../../src/cli/program.ts'
import { timeoutOption } from '../../src/cli/options.ts'
import { usageError } from '../../src/cli/usage.ts'

function program(): Command {
  const program = createProgram('tool', 'Does this and that.', new URL('../../package.json', import.meta.url))
  const send = program.command('send').argument('<text>').option('--lines').addOption(timeoutOption())
  send.action(() => {})
  return program
}

test.each([
  [['send', 'x', '--lnes'], "unknown option '--lnes'", 'did you mean --lines? See `tool send --help`'],
  [['send', 'x', '--colour'], "unknown option '--colour'", 'it takes --lines, --timeout. See `tool send --help`'],
  [
    ['send', 'x', '--timeout', 'soon'],
    "option '--timeout <seconds>' argument 'soon' is invalid. It is a number from 0.1 to 3600.",
    '--timeout <seconds>: how long a handshake may take; 10 where it is not said. See `tool send --help`',
  ],
  [
    ['send', 'x', '--root'],
    "option '--root <dir>' argument missing",
    expect.stringMatching(/^--root <dir>: the folder of the homes .* See `tool send --help`$/),
  ],
  [['send'], "missing required argument 'text'", 'write it as: tool send [options] <text>. See `tool send --help`'],
])('%j', (words, message, hint) => {
  const tool = program()
  const parse = (): unknown => {
    try {
      return tool.parse(words, { from: 'user' })
    } catch (error) {
      return usageError(tool, words, error as CommanderError)
    }
  }
  expect(parse()).toMatchObject({ exit: 2, message, hint })
})
