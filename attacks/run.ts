/**
 * `pnpm attacks [--full] [--list] [PATTERN]`: runs the attacks against the real programs, and says how each one ended.
 *
 * The bounded form takes samples over sockets; `--full` takes every bit, and 10,000 connections. Exit status 1 where one
 * attack got through, or could not show that it works.
 */
import { parseArgs } from 'node:util'
import type { Attack } from './harness/attack.ts'
import { Ground } from './harness/ground.ts'
import { attacks } from './attacks.ts'

const { values, positionals } = parseArgs({
  options: { full: { type: 'boolean' }, list: { type: 'boolean' } },
  allowPositionals: true,
})
const wanted = attacks.filter(({ path }) => positionals.length === 0 || positionals.some((word) => path.includes(word)))

if (values.list) for (const { path, attack } of wanted) console.log(`${path}\t${attack.title}`)
else process.exitCode = await runAll()

async function runAll(): Promise<number> {
  let held = 0
  let attempts = 0
  const fallen: string[] = []
  await using ground = await Ground.open({ full: values.full ?? false })
  for (const { path, attack } of wanted) {
    const { count, faults } = await runOne(ground, path, attack)
    attempts += count
    if (faults.length === 0) held += 1
    else fallen.push(path)
  }
  console.log(`\n${wanted.length} attacks, ${attempts} attempts: ${held} held, ${fallen.length} did not ${fallen.join(', ')}`)
  return fallen.length === 0 && wanted.length > 0 ? 0 : 1
}

async function runOne(ground: Ground, path: string, attack: Attack): Promise<{ count: number; faults: readonly string[] }> {
  console.log(`\n${path}: ${attack.title}`)
  console.log(`  tried:   ${attack.tries}`)
  console.log(`  a plain design: ${attack.plainDesignLoses}`)
  const started = performance.now()
  try {
    const cases = await attack.run(ground)
    await ground.stillServes()
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    console.log(`  here:    ${cases.count} attempts in ${seconds} s: ${cases.endings}`)
    for (const note of cases.notes) console.log(`           ${note}`)
    for (const control of cases.controls) console.log(`  control: ${control}`)
    for (const fault of cases.faults) console.log(`  FAULT:   ${fault}`)
    console.log(`  ${cases.faults.length === 0 ? 'HELD' : 'DID NOT HOLD'}`)
    return cases
  } catch (error) {
    console.log(`  FAULT:   ${(error as Error).stack}`)
    return { count: 0, faults: ['it ended with an error'] }
  }
}
