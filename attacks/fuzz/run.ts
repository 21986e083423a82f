/**
 * `pnpm fuzz [--runs N] [--seed S] [--keep] [--no-coverage] [TARGET...]`: fuzzes each target, prints counts and coverage.
 *
 * The short form runs 20,000 inputs on each; the long one is `--runs 1000000`. `--keep` writes the corpora.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fuzz, type Outcome, type Target } from './fuzzer.ts'
import { targets } from './targets.ts'

const { values, positionals } = parseArgs({
  options: {
    runs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
    'no-coverage': { type: 'boolean', default: false },
  },
  allowPositionals: true,
})

const corpora = join(import.meta.dirname, 'corpus')
/**
 * Inputs that are kept for the next run: the shortest for each word, so that the files stay small. Targets whose keys are
 * made anew each time have none: their inputs would mean nothing the next time.
 */
const MOST_BYTES = 24 * 1024

function corpusOf({ name }: Target): Uint8Array[] {
  const file = join(corpora, `${name}.json`)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as string[]).map((text) => Buffer.from(text, 'base64')) : []
}

function keep({ name, seeds }: Target, { corpus }: Outcome): void {
  mkdirSync(corpora, { recursive: true })
  let left = MOST_BYTES
  const found = corpus.slice(seeds.length).toSorted((a, b) => a.length - b.length)
  const kept = found.filter(({ length }) => (left -= length) > 0).map((input) => Buffer.from(input).toString('base64'))
  writeFileSync(join(corpora, `${name}.json`), `${JSON.stringify(kept, undefined, 2)}\n`)
}

let total = 0
for (const target of targets.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  const outcome = await fuzz(target, Number(values.runs), Number(values.seed), corpusOf(target))
  total += outcome.runs
  if (values.keep) keep(target, outcome)
  console.log(`${target.name}: ${target.promise}`)
  console.log(
    `  ${outcome.runs} inputs in ${outcome.seconds.toFixed(1)} s, ${outcome.words.size} different endings, ${outcome.corpus.length} inputs kept, no crash`,
  )
  if (!values['no-coverage']) {
    const worker = join(import.meta.dirname, 'coverage.worker.ts')
    const { stdout, stderr } = spawnSync(process.execPath, [worker, target.name, values.seed], { encoding: 'utf8' })
    console.log(stdout === '' ? `  coverage could not be counted: ${stderr.slice(0, 500)}` : stdout.trimEnd())
  }
}
console.log(`${total} inputs in all`)
