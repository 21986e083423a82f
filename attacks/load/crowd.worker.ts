/**
 * A crowd of strangers, in a process of its own: it keeps so many connections to a port open, each from one of many
 * addresses of this machine, and whoever is thrown out comes again. Started by `crowd.ts`.
 */
import { createConnection, type Socket } from 'node:net'
import { helloAnew } from '../harness/handshake.ts'
import { freshAddress } from '../harness/line.ts'
import type { CrowdOptions, Told } from './crowd/crowd.ts'

const { port, count, manner, hello, keyId } = JSON.parse(process.argv[2]!) as CrowdOptions
const bytes = Buffer.from(hello, 'base64')
const serverKeyId = Buffer.from(keyId, 'base64')

/** New connections in 10 ms at the most: a crowd, not a flood that only shows what a kernel bears. */
const AT_ONCE = 20
const told: Told = { opened: 0, open: 0, received: 0 }
const sockets = new Set<Socket>()
/** Of those that speak slowly, how much each has said. */
const said = new Map<Socket, number>()

function come(): void {
  const socket = createConnection({ host: '127.0.0.1', port, localAddress: freshAddress() })
  sockets.add(socket)
  socket.on('error', () => {})
  socket.on('data', (chunk) => (told.received += chunk.length))
  socket.on('close', () => {
    sockets.delete(socket)
    said.delete(socket)
  })
  socket.on('connect', () => {
    told.opened += 1
    if (manner === 'slow') said.set(socket, 0)
    if (manner === 'stops') socket.write(bytes.subarray(0, 700))
    if (manner === 'replays') socket.write(bytes)
    if (manner === 'knocks') socket.write(helloAnew(bytes, serverKeyId))
  })
}

function speak(): void {
  for (const [socket, at] of said) {
    socket.write(bytes.subarray(at, at + 1))
    said.set(socket, at + 1)
  }
}

setInterval(() => {
  for (let i = 0; i < AT_ONCE && sockets.size < count; i++) come()
}, 10)
setInterval(speak, 1000)
setInterval(() => process.send!({ ...told, open: sockets.size }), 250)
process.on('disconnect', () => process.exit())
