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
/** Attacks that run beside each other. */
const AT_A_TIME = 6

const wanted = attacks.filter(({ path }) => positionals.length === 0 || positionals.some((word) => path.includes(word)))

if (values.list) for (const { path, attack } of wanted) console.log(`${path}\t${attack.title}`)
else process.exitCode = await runAll()

async function runAll(): Promise<number> {
  let attempts = 0
  const fallen: string[] = []
  const started = performance.now()
  await using ground = await Ground.open({ full: values.full ?? false })
  const next = async ({ path, attack }: (typeof wanted)[number]): Promise<void> => {
    const lines: string[] = []
    const { count, faults } = await runOne(ground, path, attack, (line) => lines.push(line))
    console.log(`\n${lines.join('\n')}`)
    attempts += count
    if (faults.length > 0) fallen.push(path)
  }
  // Most of them wait for deadlines most of the time.
  const together = wanted.filter(({ attack }) => !attack.alone)
  const lane = async (): Promise<void> => {
    for (let each = together.shift(); each !== undefined; each = together.shift()) await next(each)
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, lane))
  for (const each of wanted.filter(({ attack }) => attack.alone)) await next(each)
  const [held, seconds] = [wanted.length - fallen.length, ((performance.now() - started) / 1000).toFixed(0)]
  console.log(
    `\n${wanted.length} attacks, ${attempts} attempts in ${seconds} s: ${held} held, ${fallen.length} did not ${fallen.join(', ')}`,
  )
  return fallen.length === 0 && wanted.length > 0 ? 0 : 1
}

/** Runs an attack, and says line by line how it ended. */
async function runOne(
  ground: Ground,
  path: string,
  attack: Attack,
  say: (line: string) => void,
): Promise<{ count: number; faults: readonly string[] }> {
  say(`${path}: ${attack.title}`)
  say(`  tried:   ${attack.tries}`)
  say(`  a plain design: ${attack.plainDesignLoses}`)
  const started = performance.now()
  try {
    const cases = await attack.run(ground)
    await ground.stillServes()
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    say(`  here:    ${cases.count} attempts in ${seconds} s: ${cases.endings}`)
    for (const note of cases.notes) say(`           ${note}`)
    for (const control of cases.controls) say(`  control: ${control}`)
    for (const fault of cases.faults) say(`  FAULT:   ${fault}`)
    say(`  ${cases.faults.length === 0 ? 'HELD' : 'DID NOT HOLD'}`)
    return cases
  } catch (error) {
    say(`  FAULT:   ${(error as Error).stack}`)
    return { count: 0, faults: ['it ended with an error'] }
  }
}
