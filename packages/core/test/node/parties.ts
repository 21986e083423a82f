/** Two parties that trust each other, and servers that end with their test. */
import { onTestFinished } from 'vitest'
import { generatePrivateKey } from '../../src/crypto/keys.ts'
import { identity, type Identity } from '../../src/crypto/signature.ts'
import { memoryJournal } from '../../src/delivery/memory-journal.ts'
import type { CountersignError } from '../../src/errors.ts'
import { connect, type ConnectOptions } from '../../src/node/connect.ts'
import { listen, type ListenOptions, type Server } from '../../src/node/listen.ts'
import type { SecureSession } from '../../src/node/secure-session.ts'

export const alice: Identity = identity(generatePrivateKey())
export const bob: Identity = identity(generatePrivateKey())
export const mallory: Identity = identity(generatePrivateKey())

export interface Running {
  readonly server: Server
  /** Why connections came to nothing. */
  readonly rejected: CountersignError[]
  /** The next session that begins. */
  next(): Promise<SecureSession>
}

/** Bob listens, and trusts alice. */
export async function serve(options: Partial<ListenOptions> = {}): Promise<Running> {
  const rejected: CountersignError[] = []
  const server = await listen({
    host: '127.0.0.1',
    identity: bob,
    peers: [alice.publicKey],
    journal: memoryJournal(),
    onReject: (error) => rejected.push(error),
    ...options,
  })
  onTestFinished(() => server.close())
  const sessions = server[Symbol.asyncIterator]()
  return { server, rejected, next: async () => (await sessions.next()).value as SecureSession }
}

/** Alice dials. */
export async function dial({ server }: Pick<Running, 'server'>, options: Partial<ConnectOptions> = {}): Promise<SecureSession> {
  const session = await connect({ host: '127.0.0.1', port: server.port, identity: alice, peer: bob.publicKey, ...options })
  onTestFinished(() => session.abandon(0))
  return session
}
