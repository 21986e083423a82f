/** node:tls as it comes: TLS 1.3, X25519MLKEM768, both sides with a pinned certificate. */
import { once } from 'node:events'
import { connect, createSecureContext, createServer, type ConnectionOptions, type TLSSocket, type TlsOptions } from 'node:tls'
import type { Setting } from '../harness/contender.ts'
import { streamOf, type Transport } from './duplex.ts'

export function serverOptions({ credentials: { server, client } }: Setting): TlsOptions {
  return { key: server.tlsKey, cert: server.certificate, ca: client.certificate, requestCert: true, minVersion: 'TLSv1.3' }
}

let known: ConnectionOptions | undefined

/** Made once for all connections of this process. */
export function clientOptions({ credentials: { server, client } }: Setting): ConnectionOptions {
  known ??= {
    secureContext: createSecureContext({
      key: client.tlsKey,
      cert: client.certificate,
      ca: server.certificate,
      minVersion: 'TLSv1.3',
    }),
    servername: 'localhost',
  }
  return known
}

export const tls: Transport = {
  about: 'node:tls, TLS 1.3, mutual authentication',
  listener(setting, connected) {
    return createServer({ ...serverOptions(setting), noDelay: true }, (socket) => connected(streamOf(socket)))
  },
  async dial(setting, port, from) {
    const options = { ...clientOptions(setting), port, host: '127.0.0.1', localAddress: from, noDelay: true }
    const socket: TLSSocket = connect(options)
    await once(socket, 'secureConnect')
    return streamOf(socket)
  },
}
