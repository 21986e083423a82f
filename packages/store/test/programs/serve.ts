/** A server with a journal, which dies where it is told to. */
import { listen, readPublicKey } from '@countersign/core'
import { readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { openJournal, type StoredJournal } from '../../src/index.ts'
import { commands, type Death, identityIn, ordersOf, Points, tell } from './orders.ts'

export interface ServeOrders {
  readonly journal: string
  readonly identity: string
  /** Files of public keys. */
  readonly peers: readonly string[]
  readonly death?: Death
}

function watched(journal: StoredJournal, points: Points): StoredJournal {
  const append = journal.append.bind(journal)
  const spool = journal.spool.bind(journal)
  journal.append = async (entry) => {
    await points.reach('appending')
    const appended = append(entry)
    await Promise.race([appended, setImmediate().then(() => points.reach('committing'))])
    await appended
    await points.reach('committed')
  }
  journal.spool = async (...args) => {
    const open = await spool(...args)
    const write = open.write.bind(open)
    open.write = async (pieces) => {
      await write(pieces)
      await points.reach('body')
    }
    return open
  }
  return journal
}

const orders = ordersOf() as ServeOrders
const points = new Points(orders.death)
await using journal = watched(await openJournal(orders.journal), points)
await using server = await listen({
  host: '127.0.0.1',
  identity: identityIn(orders.identity),
  peers: orders.peers.map((file) => readPublicKey(readFileSync(file, 'utf8'))),
  journal,
  trace: ({ sent, kind }) => {
    // The record is made; it is written before the next turn of the loop.
    if (sent && kind === 'RECEIPT') void setImmediate().then(() => points.reach('receipted'))
  },
})
tell({ event: 'listening', port: server.port })

async function serve(): Promise<void> {
  for await (const session of server) {
    tell({ event: 'session' })
    void session.closed.then(({ error }) => tell({ event: 'over', code: error?.code ?? null }))
    void drain(session)
  }
}

async function drain(messages: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of messages);
  } catch {
    // How it ended is told by `closed`.
  }
}

const serving = serve()
// Ends with its standard input.
for await (const _ of commands());
await server.close()
await serving
tell({ event: 'ended' })
