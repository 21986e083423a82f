/**
 * `pnpm soak [--minutes N] [--pace N]`: churn against a server, sampled: honest sessions come and go beside those that
 * break off in every way. The floor of memory, and descriptors, must not grow. Two minutes where it is not said, 60 is the long form; as
 * many acts a second as the machine bears, or at most so many.
 */
import { parseArgs } from 'node:util'
import { random } from '@countersign/core/protocol'
import { Ground } from './harness/ground.ts'
import { at, flipped } from './harness/handshake.ts'
import { descriptorsOf, memoryOf, pause } from './harness/process.ts'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '2' }, pace: { type: 'string' } } })
const duration = Number(values.minutes) * 60_000
/** How many churn at a time, and the ms that an act of one of them takes at least. */
const CHURNERS = 4
const span = values.pace === undefined ? 0 : (1000 * CHURNERS) / Number(values.pace)

/** What somebody does in a moment of churn. */
const acts: readonly (readonly [string, (ground: Ground) => Promise<unknown>])[] = [
  [
    'an honest session',
    async (ground) => {
      await using session = await ground.honest()
      await Promise.all([1, 2, 3].map((i) => session.send(`churn ${i}`)))
    },
  ],
  [
    'a long message',
    async (ground) => {
      await using session = await ground.honest(ground.rita)
      await session.send(random(300_000))
    },
  ],
  ['a refused stranger', (ground) => ground.knock({ identity: ground.stranger })],
  ['a wrong MAC', (ground) => ground.knock({ twist: at('mac', (mac) => flipped(mac, 1)) })],
  ['a connection that ends at once', async (ground) => (await ground.dial()).destroy()],
  [
    'a session that breaks off',
    async (ground) => {
      const entered = await ground.begin()
      entered.session.send('MESSAGE', (await ground.messageOf(entered, 'broken off')).subarray(0, 150))
      entered.session.line.destroy()
    },
  ],
  [
    'a session that lies',
    async (ground) => {
      const { session } = await ground.begin()
      session.envelope(random(200))
      await session.fate()
      session.line.destroy()
    },
  ],
]

interface Sample {
  readonly memory: number
  readonly descriptors: number
}

/** What a tenth of the samples are below. Between collections a heap rises and falls by as much as it is large; what is never let go of raises its floor. */
function floorOf(samples: readonly Sample[]): number {
  return samples.map(({ memory }) => memory).toSorted((a, b) => a - b)[Math.floor(samples.length / 10)]!
}

await using ground = await Ground.open()
const samples: Sample[] = []
const counts = new Map<string, number>()
const started = performance.now()
const sampling = setInterval(() => {
  samples.push({ memory: memoryOf(ground.pid), descriptors: descriptorsOf(ground.pid) })
  // In an hour it prints more than a string holds.
  ground.server.stdout = ''
}, 1_000)

/** One of several who do one thing after the other, until the time is over. */
async function churn(of: number): Promise<void> {
  for (let i = of; performance.now() - started < duration; i++) {
    const [name, act] = acts[i % acts.length]!
    await Promise.all([act(ground), pause(span)])
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
}

await Promise.all(Array.from({ length: CHURNERS }, (_, of) => churn(of)))
await pause(6_000)
clearInterval(sampling)
await ground.stillServes()

// The first half is the time in which a process becomes as large as it has to be.
const quarter = samples.length >> 2
const [before, after] = [floorOf(samples.slice(2 * quarter, 3 * quarter)), floorOf(samples.slice(-quarter))]
const [first, last] = [samples[0]!, samples.at(-1)!]
console.log(
  `${((performance.now() - started) / 60_000).toFixed(1)} minutes, ${[...counts.values()].reduce((a, b) => a + b, 0)} acts:`,
)
for (const [name, count] of counts) console.log(`  ${count} of ${name}`)
console.log(`memory, the floor of the third quarter ${before.toFixed(1)} MiB, of the last ${after.toFixed(1)} MiB`)
const tenth = Math.ceil(samples.length / 10)
for (let i = 0; i < samples.length; i += tenth) {
  const memory = samples.slice(i, i + tenth).map(({ memory }) => memory)
  console.log(`  from ${Math.min(...memory).toFixed(0)} to ${Math.max(...memory).toFixed(0)} MiB`)
}
console.log(`at the start ${first.memory.toFixed(1)} MiB and ${first.descriptors} descriptors`)
console.log(`at the end ${last.memory.toFixed(1)} MiB and ${last.descriptors} descriptors`)
const grown = after > before * 1.15 + 8 || last.descriptors > first.descriptors + 4
console.log(grown ? 'IT GREW' : 'it did not grow')
if (grown) process.exitCode = 1
