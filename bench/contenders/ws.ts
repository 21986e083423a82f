/** WebSocket messages over the same TLS. */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import type { Contender } from '../harness/contender.ts'
import { clientOptions, serverOptions } from './tls.ts'
import { Waiting } from './waiting.ts'

const ACKNOWLEDGEMENT = Buffer.from([1])

export const ws: Contender = {
  about: 'ws over node:tls, TLS 1.3, mutual authentication; one WebSocket message each way',
  async serve(setting) {
    const server = createServer(serverOptions(setting))
    const sockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 0 })
    sockets.on('connection', (socket) => socket.on('message', () => socket.send(ACKNOWLEDGEMENT)))
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
    await once(server, 'listening')
    return {
      port: (server.address() as AddressInfo).port,
      async close() {
        for (const socket of sockets.clients) socket.terminate()
        await new Promise<void>((resolve) => server.close(() => resolve()))
      },
    }
  },
  async dial(setting, port, from) {
    const options = { ...clientOptions(setting), localAddress: from, perMessageDeflate: false, maxPayload: 0 }
    const socket = new WebSocket(`wss://127.0.0.1:${port}`, options)
    await once(socket, 'open')
    const waiting = new Waiting()
    socket.on('message', () => waiting.acknowledge(1))
    return {
      post(body, acknowledged) {
        waiting.push(acknowledged)
        socket.send(body)
      },
      async close() {
        socket.close()
        await once(socket, 'close')
      },
    }
  },
}
