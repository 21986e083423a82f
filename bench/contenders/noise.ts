/** @chainsafe/libp2p-noise: Noise XX over a socket that is dressed as a connection of libp2p's. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { noise as createNoise } from '@chainsafe/libp2p-noise'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { ConnectionEncrypter, MessageStream, PeerId, Upgrader } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import type { Stream } from './framed.ts'
import type { Transport } from './duplex.ts'

const logger = defaultLogger()
const HANDSHAKE = { skipStreamMuxerNegotiation: true }

class SocketConnection extends AbstractMultiaddrConnection {
  readonly #socket: Socket

  constructor(socket: Socket, direction: 'inbound' | 'outbound') {
    super({ remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1'), direction, log: logger.forComponent('bench') })
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.onData(chunk))
    socket.on('drain', () => this.safeDispatchEvent('drain'))
    socket.on('error', () => {})
    socket.on('close', () => this.onTransportClosed())
  }

  sendData(data: Parameters<AbstractMultiaddrConnection['sendData']>[0]): SendResult {
    this.#socket.cork()
    let canSendMore = true
    for (const piece of data) canSendMore = this.#socket.write(piece)
    this.#socket.uncork()
    return { sentBytes: data.byteLength, canSendMore }
  }

  sendReset(): void {
    this.#socket.resetAndDestroy()
  }

  sendPause(): void {
    this.#socket.pause()
  }

  sendResume(): void {
    this.#socket.resume()
  }

  async sendClose(): Promise<void> {
    this.#socket.end()
    await once(this.#socket, 'close')
  }
}

interface Party {
  readonly peerId: PeerId
  readonly encrypter: ConnectionEncrypter
}

async function party(identity: string): Promise<Party> {
  const privateKey = await generateKeyPairFromSeed('Ed25519', createHash('sha256').update(identity).digest())
  const peerId = peerIdFromPrivateKey(privateKey)
  // Without multiplexing nothing is asked of the upgrader.
  const upgrader = { getStreamMuxers: () => new Map() } as unknown as Upgrader
  return { peerId, encrypter: createNoise()({ peerId, privateKey, logger, upgrader }) }
}

function streamOf(connection: MessageStream): Stream {
  return {
    write: (bytes) => connection.send(bytes),
    onData: (take) =>
      connection.addEventListener('message', ({ data }) => {
        take(data instanceof Uint8Array ? data : data.subarray())
      }),
    onDrain: (go) => connection.addEventListener('drain', go),
    close: () => connection.close(),
  }
}

export const noise: Transport = {
  about: '@chainsafe/libp2p-noise, Noise XX, without multiplexing',
  async listener({ credentials }, connected) {
    const { encrypter } = await party(credentials.server.identity)
    const { peerId: remotePeer } = await party(credentials.client.identity)
    const secure = async (socket: Socket): Promise<void> => {
      const secured = await encrypter.secureInbound(new SocketConnection(socket, 'inbound'), { ...HANDSHAKE, remotePeer })
      connected(streamOf(secured.connection))
    }
    return createServer({ noDelay: true }, (socket) => void secure(socket).catch(() => socket.destroy()))
  },
  async dial({ credentials }, port, from) {
    const [{ encrypter }, { peerId: remotePeer }] = await Promise.all([
      party(credentials.client.identity),
      party(credentials.server.identity),
    ])
    const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true })
    await once(socket, 'connect')
    const secured = await encrypter.secureOutbound(new SocketConnection(socket, 'outbound'), { ...HANDSHAKE, remotePeer })
    return streamOf(secured.connection)
  },
}
