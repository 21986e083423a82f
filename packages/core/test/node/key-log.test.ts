import { type Duplex, duplexPair } from 'node:stream'
import { expect, test } from 'vitest'
import { concat, hex } from '../../src/bytes.ts'
import { aeadKey, open } from '../../src/crypto/aead.ts'
import { domainHash, label, sha256 } from '../../src/crypto/hash.ts'
import { memoryJournal } from '../../src/delivery/memory-journal.ts'
import { secureClient, secureServer } from '../../src/node/secure.ts'
import { lengthPrefixed } from '../../src/wire/codec.ts'
import { KIND } from '../../src/wire/records.ts'
import { alice, bob } from './parties.ts'

/** What passes a stream on its way in. */
function overheard(stream: Duplex): Uint8Array[] {
  const chunks: Uint8Array[] = []
  stream.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  return chunks
}

function frames(chunks: readonly Uint8Array[]): Uint8Array[] {
  const found: Uint8Array[] = []
  for (let rest = concat(...chunks); rest.length > 0; rest = rest.subarray(found.at(-1)!.length)) {
    found.push(rest.subarray(0, 4 + rest[1]! * 0x1_0000 + rest[2]! * 0x100 + rest[3]!))
  }
  return found
}

/** A session with messages both ways and a change of key in each direction, and what was overheard of it. */
async function session(keyLog: (line: string) => void): Promise<Record<'up' | 'down', Uint8Array[]>> {
  const [left, right] = duplexPair()
  const [down, up] = [overheard(left), overheard(right)]
  const journals = [memoryJournal(), memoryJournal()] as const
  const [client, server] = await Promise.all([
    secureClient(left, { identity: alice, peer: bob.publicKey, journal: journals[0], keyLog }),
    secureServer(right, { identity: bob, peers: [alice.publicKey], journal: journals[1], keyLog }),
  ])
  for (const [from, text] of [[client, 'up'] as const, [server, 'down'] as const]) {
    await from.send(`${text} before`)
    from.updateKey()
    await from.send(`${text} after`)
  }
  await client.close()
  return { up: frames(up), down: frames(down) }
}

/** Every record of one direction, opened with the secret of its first key. */
function opened(records: readonly Uint8Array[], secret: Uint8Array): Uint8Array[] {
  let [key, seq] = [secret, 0]
  return records.map((record) => {
    const plain = open(aeadKey(key), seq, record.subarray(0, 4), record.subarray(4))!
    seq += 1
    if (plain[0] === KIND['KEY-UPDATE']) [key, seq] = [label(key, 'traffic update', new Uint8Array(0), 32), 0]
    return plain
  })
}

test('the key log and a recording open the whole session, across changes of key; both sides log the same', async () => {
  const lines: string[] = []
  const { up, down } = await session((line) => lines.push(line))
  expect(new Set(lines).size).toBe(4)
  expect(lines).toHaveLength(8)

  const t1 = domainHash('transcript', lengthPrefixed(up[0]!))
  const t2k = hex(sha256(t1, lengthPrefixed(down[0]!.subarray(0, 4 + 32 + 1120))))
  const secret = (name: string): Uint8Array => {
    const line = lines.find((line) => line.startsWith(`${name} ${t2k} `))!
    return Buffer.from(line.split(' ')[2]!, 'hex')
  }
  const [server, client] = [aeadKey(secret('SERVER_HANDSHAKE')), aeadKey(secret('CLIENT_HANDSHAKE'))]
  expect(open(server, 0, down[0]!.subarray(0, 4), down[0]!.subarray(4 + 32 + 1120))).toHaveLength(4096)
  expect(open(client, 0, up[1]!.subarray(0, 4), up[1]!.subarray(4))).toHaveLength(4096)
  expect(open(server, 1, down[1]!.subarray(0, 4), down[1]!.subarray(4))).toHaveLength(1024)
  const texts = (records: readonly Uint8Array[]): string => records.map((record) => Buffer.from(record).toString('latin1')).join()
  const [sent, answered] = [opened(up.slice(2), secret('CLIENT_TRAFFIC')), opened(down.slice(2), secret('SERVER_TRAFFIC'))]
  expect(texts(sent)).toMatch(/up before.*up after/s)
  expect(texts(answered)).toMatch(/down before.*down after/s)
  for (const records of [sent, answered]) expect(records.filter(([kind]) => kind === KIND['KEY-UPDATE'])).toHaveLength(1)
})
