/** Blobs come in pieces of whatever length, whose memory is given back on the way. */
import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { hex } from '../../src/bytes.ts'
import { random, sha256 } from '../../src/crypto/hash.ts'
import { dial, serve } from './parties.ts'

const KIB = 1024
/** Of a file the last piece is shorter than a record; of parts all are, or some. */
const lengths = [64 * KIB, 64 * KIB + 1, 1024 * KIB, 1024 * KIB + 300, 1500 * KIB + 7, 3000 * KIB + 65_535]

test.each(lengths)('a Blob of %i bytes arrives as it is, from a file and from parts, in its turn', async (length) => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-blob-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const body = random(length) as Uint8Array<ArrayBuffer>
  writeFileSync(join(folder, 'file'), body)
  const parts = (of: readonly number[]): Blob => {
    const cut: Uint8Array<ArrayBuffer>[] = []
    for (let at = 0, i = 0; at < length; i++) cut.push(body.subarray(at, (at += of[i % of.length]!)))
    return new Blob(cut)
  }
  const blobs = [await openAsBlob(join(folder, 'file')), parts([7 * KIB]), parts([200 * KIB, 3 * KIB, 5]), new Blob([body])]

  const running = await serve()
  const client = await dial(running)
  const server = await running.next()
  const sent = blobs.map((blob) => client.send(blob))
  const digests: string[] = []
  for await (const message of server) if (digests.push(hex(sha256(await message.bytes()))) === blobs.length) break
  expect(digests).toEqual(blobs.map(() => hex(sha256(body))))
  expect((await Promise.all(sent)).map(({ outcome }) => outcome)).toEqual(blobs.map(() => 'received'))
})
