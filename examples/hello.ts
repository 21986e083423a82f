/**
 * One message and its receipt, over TCP.
 *
 * Both keys are made here. On two machines each reads its own private key and the other's public key from PEM files:
 * `identity(readPrivateKey(await readFile('identity.pem')))` and `readPublicKey(await readFile('peers/bob.pem'))`.
 */
import { connect, generatePrivateKey, identity, listen, memoryJournal } from '@countersign/core'

const alice = identity(generatePrivateKey())
const bob = identity(generatePrivateKey())

await using server = await listen({ host: '127.0.0.1', identity: bob, peers: [alice.publicKey], journal: memoryJournal() })

async function receive(): Promise<void> {
  for await (const session of server)
    for await (const message of session) console.log(`bob: #${message.number} says "${await message.text()}"`)
}
const receiving = receive()

{
  await using session = await connect({ host: '127.0.0.1', port: server.port, identity: alice, peer: bob.publicKey })
  const { number, outcome } = await session.send('hello')
  console.log(`alice: #${number} was ${outcome}, and bob has signed that`)
}
await server.close()
await receiving
