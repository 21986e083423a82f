import { type Figure, figure, type Measure, type Series } from '../harness/bench.ts'

type Line = Series['lines'][number]
type Point = Figure & { readonly x: number }

const SIZES = [16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216]
const WAITING = [1, 10, 100, 1000, 10_000, 100_000]
const JOURNAL = [1000, 10_000, 100_000, 1_000_000]

export const linear: Measure = {
  title: 'How cost grows',
  about:
    'Over the size of a message, over how many messages wait at the same moment, and over how many a durable journal holds already. On these axes what grows linearly is a straight line at 45 degrees, and what does not grow is level.',
  async run(bench) {
    const size: Line[] = []
    const waiting: Line[] = []
    for (const entry of bench.entries(['countersign', 'node:tls'])) {
      await using pair = await bench.start(entry)
      await pair.open({ count: 1, atOnce: 1 })
      await pair.pump({ links: 1, count: bench.work(200_000), window: 8192, size: 128 })
      const sizes: Point[] = []
      for (const x of SIZES) {
        const count = Math.max(4, Math.min(bench.work(100_000), Math.floor((bench.work(64) * 1024 * 1024) / x)))
        const window = Math.max(2, Math.min(8192, Math.floor((32 * 1024 * 1024) / x)))
        const runs: number[] = []
        for (let run = 0; run < bench.runs; run++) {
          const { result } = await pair.pump({ links: 1, count, window, size: x })
          runs.push((result.seconds * 1e6) / count)
        }
        sizes.push({ x, ...figure(runs) })
      }
      size.push({ name: entry.label, points: sizes })
      const waits: Point[] = []
      for (const x of WAITING) {
        const runs: number[] = []
        for (let run = 0; run < bench.runs; run++) {
          const { result } = await pair.pump({ links: 1, count: x, window: x, size: 128 })
          runs.push(result.seconds * 1000)
        }
        waits.push({ x, ...figure(runs) })
      }
      waiting.push({ name: entry.label, points: waits })
    }

    const journal: Line[] = []
    for (const entry of bench.entries(['countersign, durable journal alone'])) {
      await using pair = await bench.start(entry)
      await pair.open({ count: 1, atOnce: 1 })
      const batch = 1000
      const points: Point[] = []
      let held = 0
      for (const x of JOURNAL.filter((most) => !bench.quick || most <= 100_000)) {
        const fill = x - held - bench.runs * batch
        if (fill > 0) await pair.pump({ links: 1, count: fill, window: 8192, size: 256 })
        const runs: number[] = []
        for (let run = 0; run < bench.runs; run++) {
          const { result } = await pair.pump({ links: 1, count: batch, window: batch, size: 256 })
          runs.push((result.seconds * 1e6) / batch)
        }
        held = Math.max(x, held + bench.runs * batch)
        points.push({ x, ...figure(runs) })
      }
      journal.push({ name: entry.label, points })
    }
    return {
      tables: [],
      series: [
        { title: 'Time of a message, over its size', x: 'bytes', unit: 'µs', lines: size },
        { title: 'Time until all messages that wait are receipted', x: 'messages waiting', unit: 'ms', lines: waiting },
        { title: 'Time of a message, over what the journal holds', x: 'messages in the journal', unit: 'µs', lines: journal },
      ],
    }
  },
}
