/** `pnpm storm [--seed N] [--seconds S]` */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { storm } from './storm.ts'

const { values } = parseArgs({
  // pnpm hands its own "--" on.
  args: process.argv.slice(2).filter((word) => word !== '--'),
  options: { seed: { type: 'string' }, seconds: { type: 'string', default: '60' } },
})
const seed = values.seed === undefined ? randomInt(2 ** 32) : Number(values.seed)
const seconds = Number(values.seconds)
console.log(`seed ${seed}: pnpm storm --seed ${seed} --seconds ${seconds}`)
const { faults, counts, hits } = await storm({ seed, seconds })
for (const [point, times] of hits) console.log(`${String(times).padStart(6)}  ${point}`)
console.log(
  Object.entries(counts)
    .map(([what, count]) => `${count} ${what}`)
    .join(', '),
)
for (const fault of faults) console.log(`fault: ${fault}`)
const missed = [...hits].filter(([, times]) => times === 0).map(([point]) => point)
if (missed.length > 0) console.log(`never hit: ${missed.join(', ')}`)
if (faults.length === 0 && missed.length === 0) console.log('nothing lost, nothing twice, no gap; every signature verified')
else process.exitCode = 1
