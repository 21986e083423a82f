/** @hyperswarm/secret-stream: Noise IK and libsodium's secretstream, both sides with a pinned Ed25519 key. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect, createServer, type Socket } from 'node:net'
import { type DuplexLike, streamOf, type Transport } from './duplex.ts'

interface KeyPair {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}

interface SecretStream extends DuplexLike {
  readonly opened: Promise<boolean>
}

interface SecretStreamClass {
  new (initiator: boolean, socket: Socket, options: object): SecretStream
  keyPair(seed: Uint8Array): KeyPair
}

// The package ships no types.
const SecretStream = createRequire(import.meta.url)('@hyperswarm/secret-stream') as SecretStreamClass

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
