import { type Measure, ratio, type Row, rowOf, type Sample } from '../harness/bench.ts'

export const latency: Measure = {
  title: 'Send to receipt',
  about:
    'One session, in memory, messages of 128 bytes that leave at 1,000 a second, whatever came back; the time of each counts from the moment it was due.',
  async run(bench) {
    const high: Record<string, Sample[]> = {}
    const p50 = await bench.compare(
      { title: 'median', unit: 'ms', better: 'less' },
      ['countersign', 'node:tls', 'ws over node:tls', 'plain TCP'],
      async (pair) => {
        await pair.open({ count: 1, atOnce: 1 })
        await pair.pace({ rate: 1000, count: bench.work(5000), size: 128 })
      },
      async (pair, { label }) => {
        const { result } = await pair.pace({ rate: 1000, count: bench.work(3000), size: 128 })
        ;(high[label] ??= []).push({ value: result.p99 })
        return { value: result.p50 }
      },
    )
    // The first sample of each warmed up.
    const rows: Row[] = Object.entries(high).map(([name, samples]) => rowOf(name, samples.slice(1)))
    const p99 = { title: '99th percentile', unit: 'ms', better: 'less', rows } as const
    return {
      tables: [p50, p99],
      goals: [p50, p99].map((table) => ({
        what: `send to receipt, ${table.title}, times node:tls`,
        value: ratio(table, 'countersign', 'node:tls'),
        most: 1.5,
      })),
    }
  },
}
