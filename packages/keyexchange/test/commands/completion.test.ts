import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test, type TestContext } from 'vitest'
import { file, keys, temporaryFolder } from '../program.ts'

function requireShell(context: TestContext, shell: string): void {
  if (spawnSync(shell, ['-c', 'true']).error === undefined) return
  console.log(`completion in ${shell}: skipped, because it is missing`)
  context.skip(`${shell} is missing`)
}

async function script(shell: string): Promise<string> {
  return file(temporaryFolder(), `completion.${shell}`, (await keys(['completion', shell])).stdout)
}

test.for([
  ['re', 'revoke'],
  ['accept', 'accept-rotation'],
  ['swap --con', '--connect'],
  ['init --type ml', 'ml-dsa-65'],
  ['list --as se', 'server'],
] as const)('bash completes "%s" to %s', async ([typed, completed], context) => {
  requireShell(context, 'bash')
  const words = ['countersign-keys', ...typed.split(' ')]
  const ask = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _countersign_keys; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', ask, 'bash', await script('bash'), ...words], { encoding: 'utf8' })
  expect([stdout.split('\n'), stderr]).toEqual([expect.arrayContaining([completed]), ''])
})

test.for(['bash', 'zsh', 'fish'])('%s loads its script', async (shell, context) => {
  requireShell(context, shell)
  // zsh knows `compdef` once its completions are set up.
  const load =
    shell === 'zsh' ? `autoload -Uz compinit && compinit -u -d ${join(temporaryFolder(), 'dump')} && source "$0"` : 'source "$0"'
  const words = shell === 'fish' ? ['-c', `source ${await script(shell)}`] : ['-c', load, await script(shell)]
  expect(execFileSync(shell, words, { encoding: 'utf8' })).toBe('')
})

test('every command and option is completed in every shell', async () => {
  const help = (await keys(['--help'])).stdout
  const commands = [...help.split('Commands:')[1]!.matchAll(/^ {2}([a-z-]+)/gm)]
    .map(([, name]) => name!)
    .filter((name) => name !== 'help')
  expect(commands).toHaveLength(14)
  for (const shell of ['bash', 'zsh', 'fish']) {
    const text = (await keys(['completion', shell])).stdout
    expect([shell, commands.filter((name) => !text.includes(name))]).toEqual([shell, []])
  }
})
