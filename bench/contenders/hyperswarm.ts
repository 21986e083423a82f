/** @hyperswarm/secret-stream: Noise IK and libsodium's secretstream, both sides with a pinned Ed25519 key. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import SecretStream, { type KeyPair } from '@hyperswarm/secret-stream'
import { streamOf, type Transport } from './duplex.ts'

const keyPair = (identity: string): KeyPair => SecretStream.keyPair(createHash('sha256').update(identity).digest())

export const hyperswarm: Transport = {
  about: '@hyperswarm/secret-stream, Noise IK',
  listener({ credentials }, connected) {
    const own = keyPair(credentials.server.identity)
    return createServer({ noDelay: true }, (socket) => {
      const stream = new SecretStream(false, socket, { pattern: 'IK', keyPair: own, enableSend: false })
      stream.on('error', () => {})
      connected(streamOf(stream))
    })
  },
  async dial({ credentials }, port, from) {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true })
    await once(socket, 'connect')
    const own = keyPair(credentials.client.identity)
    const remotePublicKey = keyPair(credentials.server.identity).publicKey
    const stream = new SecretStream(true, socket, { pattern: 'IK', keyPair: own, remotePublicKey, enableSend: false })
    if (!(await stream.opened)) throw new Error('the handshake failed')
    return streamOf(stream)
  },
}
