/**
 * Messages that outlive crashes and outages, on both sides: @countersign/store keeps them in SQLite files.
 *
 * A message is on alice's disk once `send` resolves, and on bob's once its receipt says "stored". What has no receipt is
 * sent again, over restarts of either side, and is stored once and in order.
 */
import { generatePrivateKey, identity, listen, type Server } from '@countersign/core'
import { connect, openJournal, openOutbox } from '@countersign/store'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = await mkdtemp(join(tmpdir(), 'durable-'))
const alice = identity(generatePrivateKey())
const bob = identity(generatePrivateKey())

/** Nothing needs to listen when a message is queued: this one leaves without ever having had a connection. */
async function queue(port: number, ...texts: string[]): Promise<void> {
  await using outbox = await openOutbox(join(folder, 'outbox'), { identity: alice })
  await using client = connect({ outbox, host: '127.0.0.1', port, peer: bob.publicKey })
  for (const text of texts) console.log(`alice: #${(await client.send(text)).serial} is on disk`)
}

/** Another run of alice's: stays until all that is queued has its receipt, however often the connection breaks. */
async function deliver(port: number): Promise<void> {
  await using outbox = await openOutbox(join(folder, 'outbox'), { identity: alice })
  await using client = connect({ outbox, host: '127.0.0.1', port, peer: bob.publicKey })
  await client.drained()
  for await (const { serial, outcome } of outbox.messages()) console.log(`alice: #${serial} is ${outcome}`)
}

/** Receives into a journal. Whoever works on the messages reads them there, from the one after the last that was done. */
async function receive(): Promise<void> {
  await using journal = await openJournal(join(folder, 'journal'))
  await using server = await listen({ host: '127.0.0.1', identity: bob, peers: [alice.publicKey], journal })
  const sessions = follow(server)
  await deliver(server.port)
  for await (const message of journal.messages({ after: 0 }))
    console.log(`bob: ${message.serial} is "${await (await message.content())!.text()}"`)
  await server.close()
  await sessions
}

/** What a session gives is news of messages that the journal holds; unread, it would hold the session back. */
async function follow(server: Server): Promise<void> {
  for await (const session of server) for await (const { number } of session) console.log(`bob: #${number} has come`)
}

const closedPort = 1
await queue(closedPort, 'first', 'second', 'third')
await receive()
await rm(folder, { recursive: true })
