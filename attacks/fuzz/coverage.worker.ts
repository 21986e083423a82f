/** What the inputs of a target reach: V8's own count of blocks, in a process that does nothing else. Started by `run.ts`. */
import { Session } from 'node:inspector/promises'
import { fuzz } from './fuzzer.ts'

const [name, seed] = process.argv.slice(2) as [string, string]
/** Inputs, in rounds, until the time is over: some targets take a thousand times as long as others. */
const [ROUNDS, ROUND, MOST_MS] = [20, 1_000, 15_000]

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
// Counted from before the sources are loaded.
const { targets } = await import('./targets.ts')
const target = targets.find((each) => each.name === name)!
const started = performance.now()
for (let i = 0; i < ROUNDS && performance.now() - started < MOST_MS; i++) await fuzz(target, ROUND, Number(seed) + i)
const { result } = await session.post('Profiler.takePreciseCoverage')

for (const { url, functions } of result) {
  if (!target.covers.test(url)) continue
  const blocks = functions.flatMap(({ ranges }) => ranges)
  const reached = blocks.filter(({ count }) => count > 0).length
  const missed = functions.filter(({ ranges }) => ranges[0]!.count === 0).map(({ functionName }) => functionName)
  const part = ((100 * reached) / blocks.length).toFixed(0)
  const never = missed.length === 0 ? '' : `; never called: ${missed.filter(Boolean).slice(0, 6).join(', ')}`
  console.log(`  ${url.split('/src/')[1]}: ${reached} of ${blocks.length} blocks (${part} %)${never}`)
}
