/**
 * The same over WebSocket: `secureServer` and `secureClient` take any byte stream, from ws, SSH, a serial line or a pipe.
 *
 * The WebSocket needs no TLS, and whoever runs a proxy in between sees nothing and changes nothing.
 */
import { generatePrivateKey, identity, memoryJournal, secureClient, secureServer } from '@countersign/core'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws'

const alice = identity(generatePrivateKey())
const bob = identity(generatePrivateKey())

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
await once(server, 'listening')
server.on('connection', (socket) => {
  receive(socket).catch((error: Error) => console.error(`bob: ${error.message}`))
})

async function receive(socket: WebSocket): Promise<void> {
  const options = { identity: bob, peers: [alice.publicKey], journal: memoryJournal() }
  await using session = await secureServer(createWebSocketStream(socket), options)
  for await (const message of session) console.log(`bob: "${await message.text()}"`)
}

{
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await using session = await secureClient(createWebSocketStream(socket), { identity: alice, peer: bob.publicKey })
  const { outcome } = await session.send('hello over a WebSocket')
  console.log(`alice: ${outcome}`)
}
server.close()
