/** ssh2: one command's channel of a session, both sides with a pinned key. */
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import ssh2, { type ClientChannel, type ServerChannel } from 'ssh2'
import { streamOf, type Transport } from './duplex.ts'

const { Client, Server, utils } = ssh2

/** The same key in the one form of it that ssh2 reads. */
function sec1(key: string): string {
  return createPrivateKey(key).export({ format: 'pem', type: 'sec1' })
}

export const ssh: Transport = {
  about: 'ssh2, aes256-gcm',
  listener({ credentials }, connected) {
    const pinned = utils.parseKey(sec1(credentials.client.tlsKey))
    if (pinned instanceof Error) throw pinned
    const sshd = new Server({ hostKeys: [sec1(credentials.server.tlsKey)], algorithms: { cipher: ['aes256-gcm@openssh.com'] } })
    sshd.on('connection', (client) => {
      client.on('error', () => {})
      client.on('authentication', (context) => {
        if (context.method !== 'publickey' || !context.key.data.equals(pinned.getPublicSSH()))
          return context.reject(['publickey'])
        if (context.signature && context.blob && pinned.verify(context.blob, context.signature, context.hashAlgo) !== true) {
          return context.reject()
        }
        context.accept()
      })
      client.on('session', (accept) => {
        accept().on('exec', (acceptExec) => {
          const channel: ServerChannel = acceptExec()
          connected(streamOf(channel))
        })
      })
    })
    return createServer({ noDelay: true }, (socket) => sshd.injectSocket(socket))
  },
  async dial({ credentials }, port, from) {
    const client = new Client()
    client.connect({
      port,
      host: '127.0.0.1',
      localAddress: from,
      username: 'bench',
      privateKey: sec1(credentials.client.tlsKey),
      algorithms: { cipher: ['aes256-gcm@openssh.com'] },
    })
    await once(client, 'ready')
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
      client.exec('bench', (error, opened) => (error ? reject(error) : resolve(opened)))
    })
    const stream = streamOf(channel)
    return {
      ...stream,
      async close() {
        client.end()
        await once(client, 'close')
      },
    }
  },
}
