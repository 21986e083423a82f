/** Everything that is measured, by its name in tables. */
import type { Contender } from '../harness/contender.ts'

/** Each is loaded in the processes that run it, and nowhere else. */
export const CONTENDERS: Readonly<Record<string, () => Promise<Contender>>> = {
  countersign: async () => (await import('./countersign.ts')).countersign,
  'countersign, records alone': async () => (await import('./records.ts')).records,
  'countersign, durable': async () => (await import('./durable.ts')).durable,
  'countersign, durable journal alone': async () => (await import('./durable.ts')).durableJournal,
  'node:tls': async () => (await import('./duplex.ts')).framed((await import('./tls.ts')).tls),
  'node:tls, one at a time': async () => (await import('./duplex.ts')).framed((await import('./tls.ts')).tls, { each: true }),
  'node:tls, nothing kept': async () => (await import('./duplex.ts')).framed((await import('./tls.ts')).tls, { drops: true }),
  'ws over node:tls': async () => (await import('./ws.ts')).ws,
  'hyperswarm secret-stream': async () => (await import('./duplex.ts')).framed((await import('./hyperswarm.ts')).hyperswarm),
  'libp2p-noise': async () => (await import('./duplex.ts')).framed((await import('./noise.ts')).noise),
  ssh2: async () => (await import('./duplex.ts')).framed((await import('./ssh.ts')).ssh),
  'plain TCP': async () => (await import('./duplex.ts')).framed((await import('./tcp.ts')).tcp),
  'SQLite, 512 rows to a commit': async () => (await import('./sqlite.ts')).sqlite(512),
  'SQLite, one row to a commit': async () => (await import('./sqlite.ts')).sqlite(1),
  JetStream: async () => (await import('./nats.ts')).jetStream,
}
