import { type Measure, ratio, type Table } from '../harness/bench.ts'

/** Of one address the ports run out, and the client looks for a free one longer than a handshake takes. */
const ADDRESSES = 8

export const handshakes: Measure = {
  title: 'Mutual handshakes',
  about:
    'From dialling to a session that both sides have proved themselves in, on new connections, without resumption. CPU is per handshake. node:tls has ECDSA P-256 certificates, the others Ed25519 keys; countersign and node:tls resist quantum computers (X-Wing, X25519MLKEM768), the others do not.',
  async run(bench) {
    const tables: Table[] = []
    for (const [title, atOnce, amount] of [
      ['one after the other', 1, 400],
      ['64 at once', 64, 640],
    ] as const) {
      const count = bench.work(amount)
      const act = { unit: 'handshakes/s', better: 'more' } as const
      const peers = ['countersign', 'node:tls', 'hyperswarm secret-stream', 'libp2p-noise']
      const table = await bench.compare(
        { title, ...act },
        peers,
        () => Promise.resolve(),
        async (pair) => {
          const { result, cpu } = await pair.open({ count, atOnce, addresses: ADDRESSES })
          await pair.close(count)
          return {
            value: count / result.seconds,
            cpu: { client: (cpu.client * 1000) / count, server: (cpu.server * 1000) / count },
          }
        },
      )
      tables.push(table)
    }
    return {
      tables,
      goals: tables.map((table) => ({
        what: `handshakes ${table.title}, times node:tls`,
        value: ratio(table, 'countersign', 'node:tls'),
        least: 1.5,
      })),
    }
  },
}
