import type { Algorithm, Identity, PublicKey } from '@countersign/core'
import { equal, MESSAGE_TYPE, pae, RECEIPT_TYPE } from '@countersign/core/protocol'
import { execFile, execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  type EvidenceFault,
  exportEvidence,
  openJournal,
  openOutbox,
  receiptEvidence,
  receiptsIn,
  receivedEvidence,
  sentEvidence,
  type StoredJournal,
  type StoredOutbox,
  verifyEvidence,
} from '../src/index.ts'
import { all, alice, bob, dial, folder, identityOf, keyOf, serve } from './parties.ts'

const run = promisify(execFile)

/** OpenSSL from 3.5 knows ML-DSA: OPENSSL_ML_DSA may name one beside the machine's own. */
const { OPENSSL_ML_DSA: openssl, PATH = '' } = process.env
const env = openssl === undefined ? process.env : { ...process.env, PATH: `${dirname(openssl)}:${PATH}` }

/** Every byte, or of the long keys every fifth, and not some of each file. */
const FULL = process.env['TEST_FULL'] !== undefined

/** A journal and an outbox that both hold these bodies. */
async function delivered(
  path: (...names: string[]) => string,
  bodies: readonly (string | Uint8Array)[],
  { sender = alice, receiver = bob }: { readonly sender?: Identity; readonly receiver?: Identity } = {},
): Promise<{ readonly journal: StoredJournal; readonly outbox: StoredOutbox; close(): Promise<unknown> }> {
  const journal = await openJournal(path('journal'))
  const outbox = await openOutbox(path('outbox'), { identity: sender })
  const server = await serve(journal, { identity: receiver, peers: [sender.publicKey] })
  const client = dial(server, { outbox, peer: receiver.publicKey })
  await Promise.all(bodies.map((body, i) => client.send(body, { contentType: 'text/plain', name: `message ${i}` })))
  await client.drained()
  await client.close()
  await server.close()
  return { journal, outbox, close: () => Promise.all([journal.close(), outbox.close()]) }
}

async function faultsOf(dir: string): Promise<EvidenceFault[]> {
  return (await all(verifyEvidence(dir))).flatMap(({ faults }) => faults)
}

/** Runs the commands of VERIFY.txt, as whoever reads it would, in a folder that holds nothing else. */
async function followInstructions(dir: string): Promise<{ readonly text: string; readonly printed: string }> {
  const text = readFileSync(join(dir, 'VERIFY.txt'), 'utf8')
  const commands = text
    .split('\n')
    .filter((line) => line.startsWith('    '))
    .join('\n')
  const { stdout } = await run('sh', ['-ec', commands], { cwd: dir, env })
  return { text, printed: stdout }
}

async function opensslKnows(algorithm: Algorithm): Promise<boolean> {
  if (algorithm !== 'ml-dsa-65') return true
  const { stdout } = await run('openssl', ['list', '-signature-algorithms'], { env })
  return /ML-DSA-65/i.test(stdout)
}

describe.each<Algorithm>(['ed25519', 'rsa', 'ml-dsa-65'])('evidence of two %s identities', (algorithm) => {
  test('verifies with openssl and sha256sum alone, as VERIFY.txt says', async (context) => {
    if (!(await opensslKnows(algorithm))) {
      console.log(`skipped: the openssl program here does not know ${algorithm}; version 3.5 does`)
      return context.skip()
    }
    const path = folder()
    const [sender, receiver] = [identityOf(algorithm), identityOf(algorithm)]
    const { journal, close } = await delivered(path, ['one', 'two', 'three'], { sender, receiver })
    await exportEvidence(path('evidence'), receivedEvidence((await journal.message(2))!), { keyOf: keyOf(sender, receiver) })
    const { text, printed } = await followInstructions(path('evidence'))
    expect(printed.match(/Signature Verified Successfully|Verified OK/g)).toHaveLength(2)
    // Every hash that the text names is among those that were printed: of the item and in the message, of a key and in what it signed, and so on.
    const [leaf, digest, from, to] = [...text.matchAll(/\b[0-9a-f]{64}\b/g)].map(([hash]) => hash)
    for (const [hash, times] of [
      [leaf, 2],
      [digest, 2],
      [from, 2],
      [to, 2],
    ] as const) {
      expect(printed.split(hash!)).toHaveLength(times + 1)
    }
    await close()
  })

  test('verifies here, and where any byte is changed the file that it stands in is named', { timeout: 900_000 }, async () => {
    const path = folder()
    const [sender, receiver] = [identityOf(algorithm), identityOf(algorithm)]
    const { journal, close } = await delivered(path, ['one', 'two', 'three'], { sender, receiver })
    await exportEvidence(path('evidence'), receivedEvidence((await journal.message(2))!), { keyOf: keyOf(sender, receiver) })
    expect(await faultsOf(path('evidence'))).toEqual([])
    for (const name of readdirSync(path('evidence'))) {
      const bytes = readFileSync(path('evidence', name))
      const step = Math.max(
        1,
        FULL ? (algorithm === 'ml-dsa-65' ? 5 : 1) : Math.floor(bytes.length / (algorithm === 'ed25519' ? 40 : 8)),
      )
      for (let at = 0; at < bytes.length; at += step) {
        const changed = Buffer.from(bytes)
        changed[at]! ^= 1
        writeFileSync(path('evidence', name), changed)
        expect([`${name} at ${at}`, (await faultsOf(path('evidence'))).map(({ file }) => file)]).toEqual([
          `${name} at ${at}`,
          [name],
        ])
      }
      writeFileSync(path('evidence', name), bytes)
      rmSync(path('evidence', name))
      expect((await faultsOf(path('evidence'))).map(({ file }) => file)).toEqual([name])
      writeFileSync(path('evidence', name), bytes)
    }
    expect(await faultsOf(path('evidence'))).toEqual([])
    await close()
  })
})

describe('evidence', () => {
  test('of one message of many tells nothing of the others but their leaves', async () => {
    const path = folder()
    const { journal, close } = await delivered(path, ['the first secret', 'this one', 'the third secret'])
    await exportEvidence(path('evidence'), receivedEvidence((await journal.message(2))!), { keyOf: keyOf() })
    const whole = Buffer.concat(readdirSync(path('evidence')).map((name) => readFileSync(path('evidence', name))))
    expect(whole.includes('this one')).toBe(true)
    for (const other of [await journal.message(1), await journal.message(3)]) {
      const item = Buffer.from(other!.item!.at as Uint8Array)
      expect(whole.includes('secret')).toBe(false)
      // Not its salt either, without which the leaf says nothing of a body that could be guessed.
      for (const form of ['latin1', 'hex', 'base64'] as const)
        expect(whole.includes(item.subarray(1, 17).toString(form))).toBe(false)
    }
    await close()
  })

  test('is the same, whichever of the two sides writes it', async () => {
    const path = folder()
    const { journal, outbox, close } = await delivered(path, ['one', 'two', Buffer.alloc(1_500_000, 7)])
    for (const serial of [1, 2, 3]) {
      await exportEvidence(path('bob', `${serial}`), receivedEvidence((await journal.message(serial))!), { keyOf: keyOf() })
      const sent = await sentEvidence((await outbox.message(serial))!)
      await exportEvidence(path('alice', `${serial}`), sent!, { keyOf: keyOf() })
      for (const name of readdirSync(path('bob', `${serial}`))) {
        expect(readFileSync(path('bob', `${serial}`, name)).equals(readFileSync(path('alice', `${serial}`, name)))).toBe(true)
      }
    }
    expect((await all(verifyEvidence(path('bob')))).map(({ faults }) => faults)).toEqual([[], [], []])
    await close()
  })

  test('without its body proves what has the hash; a body that is missing where it was is named', async () => {
    const path = folder()
    const { journal, outbox, close } = await delivered(path, ['one'])
    await journal.prune({ mostBytes: 0 })
    await exportEvidence(path('pruned'), receivedEvidence((await journal.message(1))!), { keyOf: keyOf() })
    expect(readdirSync(path('pruned'))).not.toContain('body')
    expect(await faultsOf(path('pruned'))).toEqual([])
    expect((await followInstructions(path('pruned'))).text).toContain('The message itself is not here')
    const [receipt] = await all(outbox.receipts())
    await exportEvidence(path('whole'), receiptEvidence(receipt!)[0]!, { keyOf: keyOf() })
    rmSync(path('whole', 'item'))
    expect((await faultsOf(path('whole'))).map(({ file }) => file)).toEqual(['item'])
    await close()
  })

  test('put together from two messages is found out', async () => {
    const path = folder()
    const { journal, close } = await delivered(path, ['one', Buffer.alloc(1_200_000)])
    for (const serial of [1, 2]) {
      await exportEvidence(path(`${serial}`), receivedEvidence((await journal.message(serial))!), { keyOf: keyOf() })
    }
    for (const name of ['receipt.pae', 'receipt.sig', 'receipt.dsse.json']) cpSync(path('2', name), path('1', name))
    expect(await faultsOf(path('1'))).toContainEqual({
      folder: path('1'),
      file: 'receipt.pae',
      what: 'it is for another message',
    })
    await close()
  })

  test('is not written over anything, nor without the keys that it needs', async () => {
    const path = folder()
    const { journal, close } = await delivered(path, ['one'])
    const evidence = receivedEvidence((await journal.message(1))!)
    await expect(exportEvidence(path('out'), evidence, { keyOf: () => undefined })).rejects.toMatchObject({ code: 'KEY_FORMAT' })
    mkdirSync(path('out.draft'))
    writeFileSync(path('out.draft', 'a letter'), 'unsent')
    await exportEvidence(path('out'), evidence, { keyOf: keyOf() })
    expect(readFileSync(path('out.draft', 'a letter'), 'utf8')).toBe('unsent')
    await expect(exportEvidence(path('out'), evidence, { keyOf: keyOf() })).rejects.toMatchObject({ code: 'STORAGE' })
    expect(await faultsOf(path('out'))).toEqual([])
    await expect(all(verifyEvidence(path('nowhere')))).rejects.toMatchObject({ code: 'STORAGE' })
    mkdirSync(path('empty'))
    await expect(all(verifyEvidence(path('empty')))).rejects.toMatchObject({ code: 'STORAGE' })
    expect(await all(receiptsIn(path('out')))).toHaveLength(1)
    await close()
  })

  test.each(['message', 'receipt'] as const)(
    'of a %s that names one key and is signed by another proves nothing',
    async (what) => {
      const path = folder()
      const mallory = identityOf('ed25519')
      const { journal, close } = await delivered(path, ['one'])
      const whole = receivedEvidence((await journal.message(1))!)
      const type = what === 'message' ? MESSAGE_TYPE : RECEIPT_TYPE
      const { statement } = whole[what]
      const forged = { ...whole, [what]: { statement, signature: await mallory.sign(pae(type, statement)) } }
      const claimed = what === 'message' ? alice : bob
      const keys = (keyId: Uint8Array): PublicKey | undefined =>
        equal(keyId, claimed.publicKey.id) ? mallory.publicKey : keyOf()(keyId)
      await exportEvidence(path('forged'), forged, { keyOf: keys })
      expect(await faultsOf(path('forged'))).toEqual([
        {
          folder: path('forged'),
          file: what === 'message' ? 'sender.pub.pem' : 'receiver.pub.pem',
          what: `it is not the key that the ${what} names`,
        },
      ])
      await close()
    },
  )

  test('without its item vouches for no body that lies beside it', async () => {
    const path = folder()
    const { journal, close } = await delivered(path, ['one'])
    await exportEvidence(path('bare'), { ...receivedEvidence((await journal.message(1))!), item: undefined }, { keyOf: keyOf() })
    expect(await faultsOf(path('bare'))).toEqual([])
    writeFileSync(path('bare', 'body'), 'I owe you a million')
    expect((await faultsOf(path('bare'))).map(({ file }) => file)).toEqual(['body'])
    await close()
  })

  test('with anything else in its folder is not verified as a whole: what nothing vouches for is named', async () => {
    const path = folder()
    const { journal, close } = await delivered(path, ['one', 'two'])
    for (const [dir, serial] of [
      ['out', 1],
      ['out/2', 2],
    ] as const)
      await exportEvidence(path(dir), receivedEvidence((await journal.message(serial))!), { keyOf: keyOf() })
    writeFileSync(path('out', 'body.txt'), 'I owe you a million')
    expect((await faultsOf(path('out'))).map(({ file }) => file)).toEqual(['2', 'body.txt'])
    await close()
  })

  test.each(['item', 'body', 'message.pae', 'sender.pub.pem'])('whose %s is no file of its own is not read', async (name) => {
    const path = folder()
    const { journal, close } = await delivered(path, ['one'])
    await exportEvidence(path('out'), receivedEvidence((await journal.message(1))!), { keyOf: keyOf() })
    const whole = readFileSync(path('out', name))
    rmSync(path('out', name))
    mkdirSync(path('out', name))
    expect((await faultsOf(path('out'))).map(({ file }) => file)).toContain(name)
    rmSync(path('out', name), { recursive: true })
    writeFileSync(path('elsewhere'), whole)
    symlinkSync(path('elsewhere'), path('out', name))
    expect((await faultsOf(path('out'))).map(({ file }) => file)).toContain(name)
    rmSync(path('out', name))
    execFileSync('sh', ['-c', 'mkfifo "$0"', path('out', name)])
    expect((await faultsOf(path('out'))).map(({ file }) => file)).toContain(name)
    await close()
  })

  test('whose small files are huge is not read into memory', async () => {
    const path = folder()
    const { journal, close } = await delivered(path, ['one'])
    await exportEvidence(path('out'), receivedEvidence((await journal.message(1))!), { keyOf: keyOf() })
    truncateSync(path('out', 'message.sig'), 1024 * 1024 + 1)
    expect(await faultsOf(path('out'))).toEqual([
      { folder: path('out'), file: 'message.sig', what: 'it is longer than it can be' },
    ])
    await close()
  })
})
