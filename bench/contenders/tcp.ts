/** Plain TCP: the limit that loopback sets. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { streamOf, type Transport } from './duplex.ts'

export const tcp: Transport = {
  about: 'node:net, nothing encrypted',
  listener: (_, connected) => createServer({ noDelay: true }, (socket) => connected(streamOf(socket))),
  async dial(_, port, from) {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true })
    await once(socket, 'connect')
    return streamOf(socket)
  },
}
