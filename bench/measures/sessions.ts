import {
  type Bench,
  type Figure,
  figure,
  type Goal,
  type Measure,
  ratio,
  type Results,
  type Row,
  rowOf,
  type Sample,
  type Series,
  type Table,
} from '../harness/bench.ts'
import type { Pair } from '../harness/pair.ts'
import { throughput } from './messages.ts'

const ADDRESSES = 8

interface Step extends Figure {
  readonly x: number
}

export const sessions: Measure = {
  title: 'Many sessions',
  about:
    'Idle sessions, opened 32 at a time from 8 loopback addresses: what the memory of the server grows by for each, socket included, after garbage collection. Then 100 of them are active, each with at most 64 messages of 128 bytes unacknowledged, in turn with processes of their own that have 100 open and never had more.',
  async run(bench) {
    const most = bench.work(10_000)
    const memory: { name: string; samples: Sample[] }[] = []
    const memoryLines: Series['lines'][number][] = []
    const timeLines: Series['lines'][number][] = []
    const active: Row[] = []
    for (const entry of bench.entries(['countersign', 'node:tls', 'plain TCP'])) {
      await using pair = await bench.start(entry)
      await pair.open({ count: 10, atOnce: 10, addresses: ADDRESSES })
      await pair.close(10)
      const before = await pair.serverMemory()
      const [bytes, seconds, few, many]: [Step[], Step[], Sample[], Sample[]] = [[], [], [], []]
      let took = 0
      const steps = [1, 10, 100, 1000, 10_000].filter((step) => step <= most)
      for (const [i, x] of steps.entries()) {
        const { result } = await pair.open({ count: x - (steps[i - 1] ?? 0), atOnce: 32, addresses: ADDRESSES })
        took += result.seconds
        seconds.push({ x, ...figure([took]) })
        bytes.push({ x, ...figure([(await pair.serverMemory()) - before]) })
      }
      memory.push({ name: entry.label, samples: [{ value: bytes.at(-1)!.median / most / 1024 }] })
      memoryLines.push({
        name: entry.label,
        points: bytes.filter(({ x }) => x >= 100).map(({ x, median }) => ({ x, ...figure([median / 1024 / 1024]) })),
      })
      timeLines.push({ name: entry.label, points: seconds })
      // Not the same processes with most closed again: what V8 learned of many it forgets with them, and is quicker than ever.
      await using other = await bench.start(entry)
      await other.open({ count: 100, atOnce: 32, addresses: ADDRESSES })
      for (let run = 0; run <= bench.runs; run++) {
        many.push(await burst(pair, bench))
        few.push(await burst(other, bench))
      }
      active.push(rowOf(`${entry.label}, ${most} open`, many.slice(1)), rowOf(`${entry.label}, 100 open`, few.slice(1)))
    }
    const activity: Table = { title: '100 sessions active', unit: 'messages/s', better: 'more', rows: active }
    const idle: Table = {
      title: `memory of each of ${most} idle sessions`,
      unit: 'KiB',
      better: 'less',
      rows: memory.map(({ name, samples }) => rowOf(name, samples)),
    }
    const goals: Goal[] = [{ what: `memory of each of ${most} idle sessions in KiB`, value: idle.rows[0]!.median, most: 16 }]
    goals.push({
      what: `100 active of ${most} sessions, of 100 alone`,
      value: ratio(activity, `countersign, ${most} open`, 'countersign, 100 open'),
      least: 0.9,
    })
    return {
      tables: [idle, activity],
      series: [
        { title: 'Opening sessions', x: 'sessions', unit: 's', lines: timeLines },
        { title: 'Memory of idle sessions', x: 'sessions', unit: 'MiB', lines: memoryLines },
      ],
      goals,
    } satisfies Results
  },
}

function burst(pair: Pair, bench: Bench): Promise<Sample> {
  return throughput(pair, bench.work(200_000), 64, 100)
}
