/** Countersign: every message signed by its sender, every receipt by its receiver, both verified. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Identity, Journal, Outbox, PublicKey, Server } from '@countersign/core'
import { BLOCK, type Contender, type Credential, type Link, type Setting } from '../harness/contender.ts'

export type Core = typeof import('@countersign/core')

/** Our own code, of the checkout that is measured. */
export function loadCore({ root }: Pick<Setting, 'root'>): Promise<Core> {
  return import(pathToFileURL(join(root, 'packages/core/src/index.ts')).href) as Promise<Core>
}

interface Party {
  readonly core: Core
  readonly identity: Identity
  readonly peer: PublicKey
}

let known: Promise<Party> | undefined

/** This process's own side, its keys read once. */
export function partyOf(setting: Setting, own: Credential, peer: Credential): Promise<Party> {
  known ??= loadCore(setting).then((core) => ({
    core,
    identity: core.identity(core.readPrivateKey(own.identity)),
    peer: core.readPrivateKey(peer.identity).publicKey,
  }))
  return known
}

/** Serves with a journal, and reads every message that comes. */
export async function serveWith(setting: Setting, journal: Journal): Promise<Server> {
  const { core, identity, peer } = await partyOf(setting, setting.credentials.server, setting.credentials.client)
  const many = { mostHandshakes: 1024, mostHandshakesPerAddress: 1024 }
  const server = await core.listen({
    on: { port: 0, host: '127.0.0.1', backlog: 4096 },
    identity,
    peers: [peer],
    journal,
    ...many,
  })
  const read = async (messages: AsyncIterable<unknown>): Promise<void> => {
    for await (const _ of messages);
  }
  const accept = async (): Promise<void> => {
    for await (const session of server) void read(session).catch(() => {})
  }
  void accept()
  return server
}

/** Opens a session; without an outbox it sends from memory. */
export async function dialWith(setting: Setting, port: number, from: string, outbox?: Outbox): Promise<Link> {
  const { core, identity, peer } = await partyOf(setting, setting.credentials.client, setting.credentials.server)
  const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true })
  await once(socket, 'connect')
  const session = await core.secureClient(socket, { identity, peer, ...(outbox && { outbox }) })
  return {
    post(body, acknowledged) {
      void session.send(body).then(acknowledged)
    },
    async bulk(length) {
      await session.send(blobOf(length))
    },
    close: () => session.close(),
  }
}

const block = new Blob([BLOCK])

/** A long body that takes no memory of its own: the same block again and again. */
function blobOf(length: number): Blob {
  return new Blob(Array.from({ length: length / block.size }, () => block))
}

export const countersign: Contender = {
  about: 'messages and receipts signed, both verified; all in memory',
  async serve(setting) {
    const { core } = await partyOf(setting, setting.credentials.server, setting.credentials.client)
    const server = await serveWith(setting, core.memoryJournal())
    return { port: server.port, close: () => server.close() }
  },
  dial: (setting, port, from) => dialWith(setting, port, from),
}
