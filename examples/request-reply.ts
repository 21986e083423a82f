/**
 * Requests and replies, both ways over one session: each side asks, and each side answers.
 *
 * A reply names the request that it answers. Both are messages like any other: signed, and countersigned.
 */
import { connect, generatePrivateKey, identity, listen, memoryJournal, type SecureSession } from '@countersign/core'
import { randomUUID } from 'node:crypto'

const alice = identity(generatePrivateKey())
const bob = identity(generatePrivateKey())

/** Answers the peer's requests from now on, and gives a way to ask it. */
function dialogue(session: SecureSession, answer: (request: string) => string): (request: string) => Promise<string> {
  const asked = new Map<string, (reply: string) => void>()

  async function listenToPeer(): Promise<void> {
    for await (const message of session) {
      const text = await message.text()
      const { id, inReplyTo } = message
      if (inReplyTo !== undefined) asked.get(inReplyTo)?.(text)
      // Not awaited: a receipt comes in among messages, and those have to be read for it.
      else if (id !== undefined) session.send(answer(text), { inReplyTo: id }).catch(console.error)
    }
  }
  listenToPeer().catch(console.error)

  return async (request) => {
    const id = randomUUID()
    const { promise, resolve } = Promise.withResolvers<string>()
    asked.set(id, resolve)
    await session.send(request, { id })
    return promise
  }
}

await using server = await listen({ host: '127.0.0.1', identity: bob, peers: [alice.publicKey], journal: memoryJournal() })
// With a journal of its own a client receives, too.
const at = { host: '127.0.0.1', port: server.port, peer: bob.publicKey }
await using session = await connect({ ...at, identity: alice, journal: memoryJournal() })
const askBob = dialogue(session, (request) => `alice heard "${request}"`)
console.log(await Promise.all([askBob('what is 6 times 7?'), atBob()]))

async function atBob(): Promise<string> {
  for await (const session of server) return dialogue(session, (request) => `bob heard "${request}"`)('and what is 7 times 6?')
  throw new Error('the server was closed')
}
