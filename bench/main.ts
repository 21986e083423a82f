/** `pnpm bench [name...]`: ours and what a user would pick instead, side by side on this machine. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Bench } from './harness/bench.ts'
import { makeCredentials } from './harness/credentials.ts'
import { describeMachine } from './harness/machine.ts'
import { goalTable, markdownTable, type Report, writeReport } from './harness/report.ts'
import { Worktree } from './harness/worktree.ts'
import { MEASURES } from './measures/index.ts'

const usage = `pnpm bench [name...]     ${Object.keys(MEASURES).join(' ')}; all of them where none is named
  --quick                a tenth of the work and one run each: a look, nothing to quote
  --runs N               5 where it is not said
  --against REVISION     our own code alone, beside that of another commit
  --profile FOLDER       CPU profiles of all clients and servers
  --scratch FOLDER       where stores are made; fsync costs what that disk costs
  --out FOLDER           bench/results where it is not said; with --quick or --against nothing is written unless it is said`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    runs: { type: 'string' },
    against: { type: 'string' },
    profile: { type: 'string' },
    scratch: { type: 'string', default: tmpdir() },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const names = positionals.length > 0 ? positionals : Object.keys(MEASURES)
const unknown = names.find((name) => !Object.hasOwn(MEASURES, name))
if (values.help || unknown !== undefined) {
  console.log(unknown === undefined ? usage : `there is no measure ${unknown}\n${usage}`)
  process.exit(unknown === undefined ? 0 : 2)
}

const command = ['pnpm bench', ...process.argv.slice(2)].join(' ')
const root = resolve(import.meta.dirname, '..')
const runs = Number(values.runs ?? (values.quick ? 1 : 5))
const out = values.out ?? (values.quick || values.against !== undefined ? undefined : join(root, 'bench/results'))
const machine = describeMachine(root)
using worktree = values.against === undefined ? undefined : new Worktree(root, values.against)
mkdirSync(values.scratch, { recursive: true })
const scratch = mkdtempSync(join(values.scratch, 'bench-'))
try {
  const bench = new Bench({
    runs,
    quick: values.quick,
    against: worktree && { root: worktree.root, name: values.against! },
    credentials: makeCredentials(),
    root,
    scratch,
    profiles: values.profile && resolve(values.profile),
  })
  const measures: Report['measures'][number][] = []
  for (const name of names) {
    const measure = MEASURES[name]!
    console.log(`\n${measure.title}`)
    const results = await measure.run(bench)
    for (const table of results.tables) console.log(`\n${table.title}\n\n${markdownTable(table)}`)
    if (worktree === undefined && results.goals !== undefined) console.log(`\n${goalTable(results.goals)}`)
    const { title, about } = measure
    measures.push({ name, measure: { title, about }, results })
    // After each, so that a run that is cut short leaves what it came to.
    if (out !== undefined) writeReport(out, { command, runs, machine, measures })
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
