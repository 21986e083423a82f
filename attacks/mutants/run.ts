/**
 * `pnpm mutants [PATTERN...]`: takes out each check, one at a time, in a copy of the repository, and says which test or
 * attack notices. Exit status 1 where a check can go unnoticed that is not said to be defence in depth.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Catcher, type Mutant, without } from './mutant.ts'
import { mutants } from './mutants.ts'
import { Tree } from './tree.ts'

interface Report {
  readonly testResults: readonly {
    readonly message: string
    readonly name: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/** How long tests may take before a check that is gone counts as noticed: they hang. */
const PATIENCE = 120_000

/** The first test that fails, or what the attack says that got through; undefined where all is as it should be. */
function noticed(tree: Tree, by: Catcher): string | undefined {
  return 'attack' in by ? fallen(tree, by.attack) : failing(tree, by.of, by.tests)
}

function failing(tree: Tree, of: string, tests: readonly string[]): string | undefined {
  const report = tree.path('report.json')
  writeFileSync(report, '{"testResults":[]}')
  const vitest = join(tree.path(of), 'node_modules/vitest/vitest.mjs')
  const words = [vitest, 'run', ...tests, '--bail=1', '--reporter=json', `--outputFile=${report}`]
  const { status, stderr, signal } = spawnSync(process.execPath, words, {
    cwd: tree.path(of),
    encoding: 'utf8',
    timeout: PATIENCE,
    env: { ...process.env, NO_COLOR: '1', CI: 'true' },
  })
  if (status === 0) return undefined
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
  for (const { assertionResults, message, name } of testResults) {
    const failed = assertionResults.find((test) => test.status === 'failed')
    if (failed) return failed.fullName
    if (message) return `${name.slice(tree.folder.length + 1)}: ${message.split('\n')[0]}`
  }
  return signal === null ? `the run failed: ${stderr.slice(-300)}` : 'the tests hang'
}

function fallen(tree: Tree, attack: string): string | undefined {
  const words = [tree.path('attacks/run.ts'), attack]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: PATIENCE })
  if (status === 0) return undefined
  return `attack ${attack}: ${/FAULT: +(.*)/.exec(stdout)?.[1] ?? `it ended: ${stderr.slice(-200)}`}`
}

/** Takes the check out, and answers with how to put it back; undefined where it does not stand once where the list says. */
function mutate(tree: Tree, mutant: Mutant): (() => void) | undefined {
  const file = tree.path(mutant.file)
  const before = readFileSync(file, 'utf8')
  const after = without(before, mutant)
  if (after === undefined) return undefined
  writeFileSync(file, after)
  return () => writeFileSync(file, before)
}

const words = process.argv.slice(2)
const wanted = mutants.filter(({ check, file }) => words.length === 0 || words.some((word) => `${file} ${check}`.includes(word)))
using tree = new Tree()

// Whoever is to notice that a check is gone must say nothing while it stands.
const catchers = new Map(wanted.map(({ by }) => [JSON.stringify(by), by]))
for (const by of catchers.values()) {
  const complaint = noticed(tree, by)
  if (complaint !== undefined) throw new Error(`without any mutant: ${complaint}`)
}

let unnoticed = 0
for (const mutant of wanted) {
  const restore = mutate(tree, mutant)
  const by = restore && noticed(tree, mutant.by)
  restore?.()
  console.log(`${mutant.file}: ${mutant.check}`)
  if (restore === undefined) {
    console.log('  NOT FOUND where the list says')
    unnoticed += 1
  } else if (by !== undefined) console.log(`  noticed by: ${by}`)
  else if (mutant.depth !== undefined) console.log(`  defence in depth: ${mutant.depth}`)
  else {
    console.log('  NOTICED BY NOBODY')
    unnoticed += 1
  }
}
console.log(`${wanted.length} checks taken out: ${wanted.length - unnoticed} accounted for, ${unnoticed} noticed by nobody`)
if (unnoticed > 0) process.exitCode = 1
