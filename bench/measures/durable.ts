import { type Measure, ratio } from '../harness/bench.ts'
import { throughput } from './messages.ts'

const SIZE = 256

export const durable: Measure = {
  title: 'Durable messages of 256 bytes',
  about:
    'Ours: committed and fsynced in the outbox of the sender, signed, sent, verified, committed and fsynced in the journal of the receiver, receipted, verified and committed again. As many messages as a window of 32,768 unacknowledged ones lets through. SQLite alone inserts the same bytes into one table of one process. The lock-step sessions send from memory into a durable journal, each message after the receipt of the one before.',
  async run(bench) {
    const count = bench.work(300_000)
    const many = await bench.compare(
      { title: 'one session, batching as it comes', unit: 'messages/s', better: 'more' },
      ['countersign, durable', 'countersign, durable journal alone', 'JetStream', 'SQLite, 512 rows to a commit'],
      (pair) => pair.open({ count: 1, atOnce: 1 }),
      (pair) => throughput(pair, pair.name === 'JetStream' ? count / 2 : count, 32_768, 1, SIZE),
    )
    const links = 64
    const steps = await bench.compare(
      { title: '64 sessions in lock-step', unit: 'messages/s', better: 'more' },
      ['countersign, durable journal alone', 'JetStream', 'SQLite, one row to a commit'],
      (pair) => pair.open({ count: links, atOnce: links }),
      (pair) => {
        const single = pair.name.startsWith('SQLite')
        return throughput(pair, bench.work(single ? 5000 : 20_000), 1, single ? 1 : links, SIZE)
      },
    )
    return {
      tables: [many, steps],
      goals: [
        {
          what: 'durable messages, of bare SQLite',
          value: ratio(many, 'countersign, durable', 'SQLite, 512 rows to a commit'),
          least: 0.5,
        },
        { what: 'durable messages, times JetStream', value: ratio(many, 'countersign, durable', 'JetStream'), least: 1 },
        {
          what: '64 sessions in lock-step, times one row and one fsync',
          value: ratio(steps, 'countersign, durable journal alone', 'SQLite, one row to a commit'),
          least: 3,
        },
      ],
    }
  },
}
