import { type Measure, ratio } from '../harness/bench.ts'

const MIB = 1024 * 1024

export const bulk: Measure = {
  title: 'One long body',
  about:
    'One session, one body, in memory at both ends; the time until its receiver has acknowledged all of it. Ours is hashed and signed before it leaves, and hashed and verified as it arrives. The receiver holds all of it until it is whole, as a program that is handed one body does; "nothing kept", and the record layer alone, drop each piece as it comes. CPU is per MiB.',
  async run(bench) {
    const length = bench.work(1024) * MIB
    const table = await bench.compare(
      { title: `a body of ${length / MIB} MiB`, unit: 'GB/s', better: 'more' },
      [
        'countersign',
        'countersign, records alone',
        'node:tls',
        'node:tls, nothing kept',
        'hyperswarm secret-stream',
        'ssh2',
        'libp2p-noise',
        'plain TCP',
      ],
      (pair) => pair.open({ count: 1, atOnce: 1 }),
      async (pair) => {
        // The slow ones get less of it: their rate is the same.
        const own = pair.name === 'libp2p-noise' ? length / 16 : length
        const { result, cpu } = await pair.bulk(own)
        const each = (1000 * MIB) / own
        return { value: own / result.seconds / 1e9, cpu: { client: cpu.client * each, server: cpu.server * each } }
      },
    )
    return {
      tables: [table],
      goals: [
        { what: 'a long body, signed and hashed, of node:tls', value: ratio(table, 'countersign', 'node:tls'), least: 0.5 },
        {
          what: 'the record layer alone, of node:tls',
          value: ratio(table, 'countersign, records alone', 'node:tls, nothing kept'),
          least: 0.9,
        },
      ],
    }
  },
}
