/**
 * Sends a file of any size, and stores it piece by piece: `node file-transfer.ts [FILE]`.
 *
 * Neither side ever holds it in memory: the sender reads it twice, to hash it and to send it. With an outbox and a journal
 * of @countersign/store a transfer that was interrupted goes on where it stopped.
 */
import { connect, generatePrivateKey, identity, listen } from '@countersign/core'
import { openJournal } from '@countersign/store'
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, openAsBlob } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'

const [path = import.meta.filename] = process.argv.slice(2)
const folder = await mkdtemp(join(tmpdir(), 'file-transfer-'))
const alice = identity(generatePrivateKey())
const bob = identity(generatePrivateKey())

{
  await using journal = await openJournal(join(folder, 'journal'))
  await using server = await listen({ host: '127.0.0.1', identity: bob, peers: [alice.publicKey], journal })
  const received = receive()

  await using session = await connect({ host: '127.0.0.1', port: server.port, identity: alice, peer: bob.publicKey })
  const { outcome } = await session.send(await openAsBlob(path), { name: basename(path) })
  console.log(`alice: the file is ${outcome}`)
  console.log((await received) === (await hash(path)) ? 'both files are the same' : 'the files differ')

  /** Stores one message under a name of its own: the sender's is for people to read, never a path. */
  async function receive(): Promise<string> {
    for await (const session of server) {
      for await (const message of session) {
        const target = join(folder, `message-${message.number}`)
        await pipeline(message.stream(), createWriteStream(target))
        console.log(`bob: ${message.length} bytes, which alice calls ${message.name}`)
        return hash(target)
      }
    }
    throw new Error('the server was closed')
  }
}
await rm(folder, { recursive: true })

async function hash(file: string): Promise<string> {
  const hasher = createHash('sha256')
  await pipeline(createReadStream(file), hasher)
  return hasher.digest('hex')
}
