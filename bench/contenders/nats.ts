/**
 * NATS JetStream: a stream in files, publishers that wait for their acknowledgements, mutual TLS.
 *
 * The server of version 2.9 answers once a message is written to its file, and fsyncs every two minutes; from 2.10 on
 * `sync_interval: always`, set here where it is known, has it fsync before each answer.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { Contender, Setting } from '../harness/contender.ts'

function version(): number {
  try {
    const [, major, minor] = /v(\d+)\.(\d+)/.exec(execFileSync('nats-server', ['--version'], { encoding: 'utf8' }))!
    return Number(major) + Number(minor) / 100
  } catch {
    throw new Error('there is no nats-server on this machine')
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function connectTo({ credentials: { client, server } }: Setting, port: number): Promise<NatsConnection> {
  const tls = { key: client.tlsKey, cert: client.certificate, ca: server.certificate }
  return connect({ servers: `tls://localhost:${port}`, tls, timeout: 10_000 })
}

export const jetStream: Contender = {
  about: 'nats-server with JetStream in files, publish acknowledgements, mutual TLS',
  async serve(setting) {
    const always = version() >= 2.1
    const port = await freePort()
    const { folder, credentials } = setting
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 })
      return JSON.stringify(join(folder, name))
    }
    const tls = [
      `cert_file: ${file('certificate.pem', credentials.server.certificate)}`,
      `key_file: ${file('key.pem', credentials.server.tlsKey)}`,
      `ca_file: ${file('ca.pem', credentials.client.certificate)}`,
      'verify: true',
    ]
    const store = `store_dir: ${JSON.stringify(folder)}${always ? ', sync_interval: always' : ''}`
    writeFileSync(
      join(folder, 'nats.conf'),
      `host: 127.0.0.1\nport: ${port}\ntls { ${tls.join(', ')} }\njetstream { ${store} }\n`,
    )
    const server = spawn('nats-server', ['-c', join(folder, 'nats.conf')], { stdio: 'ignore' })
    const stop = (): void => void server.kill('SIGKILL')
    process.once('exit', stop)
    for (let attempt = 0; ; attempt++) {
      try {
        const connection = await connectTo(setting, port)
        const manager = await jetstreamManager(connection)
        await manager.streams.add({ name: 'bench', subjects: ['bench'] })
        await connection.close()
        return { port, close: () => Promise.resolve(stop()) }
      } catch (error) {
        if (attempt === 50) throw error
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  },
  async dial(setting, port) {
    const connection = await connectTo(setting, port)
    const stream = jetstream(connection)
    return {
      post(body, acknowledged) {
        void stream.publish('bench', body, { timeout: 60_000 }).then(acknowledged)
      },
      close: () => connection.close(),
    }
  },
}
