/** Two parties that trust each other, in this process, and folders that go with their test. */
import {
  type Algorithm,
  generatePrivateKey,
  identity,
  type Identity,
  type Journal,
  listen,
  type ListenOptions,
  type Peer,
  type PublicKey,
  type SecureSession,
  type Server,
} from '@countersign/core'
import { equal } from '@countersign/core/protocol'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { connect, type DurableClient, type DurableOptions, type JournalFault, type StoredJournal } from '../src/index.ts'

export const alice: Identity = identity(generatePrivateKey())
export const bob: Identity = identity(generatePrivateKey())
export const toBob: Peer = { keys: [bob.publicKey] }

export function keyOf(...identities: readonly Identity[]): (keyId: Uint8Array) => PublicKey | undefined {
  const keys = [alice, bob, ...identities].map(({ publicKey }) => publicKey)
  return (keyId) => keys.find(({ id }) => equal(id, keyId))
}

export function identityOf(algorithm: Algorithm): Identity {
  return identity(generatePrivateKey(algorithm, 2048))
}

/** A folder of this test's own. */
export function folder(): (...names: string[]) => string {
  const root = mkdtempSync(join(tmpdir(), 'countersign-store-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  return (...names) => join(root, ...names)
}

/** Has something closed when its test is over; a hook closes its own. */
function after(close: () => Promise<void>): void {
  if (expect.getState().currentTestName !== undefined) onTestFinished(close)
}

/** Bob listens, trusts alice, and keeps what comes. */
export async function serve(journal: Journal, options: Partial<ListenOptions> = {}): Promise<Server> {
  const server = await listen({ host: '127.0.0.1', identity: bob, peers: [alice.publicKey], ...options, journal })
  after(() => server.close())
  const run = async (): Promise<void> => {
    for await (const session of server) void drain(session)
  }
  void run()
  return server
}

async function drain(session: SecureSession): Promise<void> {
  try {
    for await (const message of session) void message
  } catch {
    // How it ended is for the other side to tell.
  }
}

/** Alice dials, and stays. */
export function dial(
  { port }: Pick<Server, 'port'>,
  options: Partial<DurableOptions> & Pick<DurableOptions, 'outbox'>,
): DurableClient {
  const client = connect({ host: '127.0.0.1', peer: bob.publicKey, backoff: { first: 5, most: 50 }, ...options, port })
  after(() => client.close(false))
  return client
}

/** Every fault of a journal. */
export async function faultsOf(journal: StoredJournal, ...identities: readonly Identity[]): Promise<JournalFault[]> {
  const faults: JournalFault[] = []
  for await (const fault of journal.verify({ keyOf: keyOf(...identities) })) faults.push(fault)
  return faults
}

/** The texts of all messages, in their order. */
export async function textsOf(journal: StoredJournal): Promise<string[]> {
  const texts: string[] = []
  for await (const message of journal.messages()) texts.push(await (await message.content())!.text())
  return texts
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** Pieces one behind the other, each taken before the next is asked for. */
export async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Buffer[] = []
  for await (const piece of pieces) copies.push(Buffer.from(piece))
  return Buffer.concat(copies)
}
