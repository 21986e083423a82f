import { type Measure, ratio } from '../harness/bench.ts'
import type { Pair } from '../harness/pair.ts'

const SIZE = 128
const PEERS = [
  'countersign',
  'node:tls',
  'node:tls, one at a time',
  'ws over node:tls',
  'hyperswarm secret-stream',
  'libp2p-noise',
  'plain TCP',
]

export const messages: Measure = {
  title: 'Messages of 128 bytes',
  about:
    'One session. As many messages as the window of 32,768 unacknowledged ones lets through, all in memory; then one message at a time, each sent when the one before is acknowledged. Ours are signed and receipted; the peers acknowledge and sign nothing.',
  async run(bench) {
    const many = await bench.compare(
      { title: 'batching as it comes', unit: 'messages/s', better: 'more' },
      PEERS,
      warmUp,
      (pair) => throughput(pair, bench.work(300_000), 32_768),
    )
    const single = await bench.compare(
      { title: 'one at a time', unit: 'messages/s', better: 'more' },
      ['countersign', 'node:tls', 'ws over node:tls', 'plain TCP'],
      (pair) => pair.open({ count: 1, atOnce: 1 }),
      (pair) => throughput(pair, bench.work(5000), 1),
    )
    return {
      tables: [many, single],
      goals: [
        { what: 'messages of 128 B a second', value: many.rows[0]!.median, least: 400_000 },
        { what: 'messages of 128 B, times ws over TLS', value: ratio(many, 'countersign', 'ws over node:tls'), least: 3 },
      ],
    }
  },
}

/** As much for a quick look: what is measured is compiled code. */
async function warmUp(pair: Pair): Promise<void> {
  await pair.open({ count: 1, atOnce: 1 })
  await throughput(pair, 300_000, 32_768)
}

export async function throughput(
  pair: Pair,
  count: number,
  window: number,
  links = 1,
  size: number = SIZE,
): Promise<{ value: number; cpu: { client: number; server: number } }> {
  const { result, cpu } = await pair.pump({ links, count, window, size })
  return { value: count / result.seconds, cpu: { client: (cpu.client * 1000) / count, server: (cpu.server * 1000) / count } }
}
