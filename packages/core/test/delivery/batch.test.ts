import { describe, expect, test } from 'vitest'
import { concat, utf8 } from '../../src/bytes.ts'
import { sha256 } from '../../src/crypto/hash.ts'
import { Batch, BATCH_LENGTH } from '../../src/delivery/batch.ts'
import { attributesOf } from '../../src/delivery/compose.ts'
import { LEAF_LENGTH, LEAST_ITEM, MAX_COUNT, readItemHead } from '../../src/wire/envelope.ts'

const none = attributesOf(undefined)

function batchOf(...bodies: readonly (string | Uint8Array)[]): Batch {
  const batch = new Batch()
  for (const body of bodies) batch.add(body, none, Batch.itemLength(body, none))
  return batch
}

async function bytesOf(batch: Batch, offset: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of batch.read(offset)) pieces.push(piece)
  return concat(...pieces)
}

describe('a batch', () => {
  test('holds whole items one behind the other, each with its leaf, also past its first room', async () => {
    const bodies = ['', 'a text', 'ünï©ode 𝄞', new Uint8Array(5000).fill(7), 'the last']
    const batch = batchOf(...bodies)
    const all = await bytesOf(batch, 0)
    let at = 0
    for (const [i, length] of batch.lengths.entries()) {
      const item = all.subarray(at, at + length)
      const body = bodies[i]!
      expect(readItemHead(item, length)).toEqual({ attributes: new Map(), bodyAt: LEAST_ITEM })
      expect(item.subarray(LEAST_ITEM)).toEqual(typeof body === 'string' ? utf8(body) : body)
      expect(batch.leaves.subarray(LEAF_LENGTH * i, LEAF_LENGTH * (i + 1))).toEqual(Buffer.from(sha256(item)))
      expect(batch.item(i)).toMatchObject({ length, leaf: Buffer.from(sha256(item)) })
      expect(Buffer.from(batch.item(i).bytes as Uint8Array)).toEqual(Buffer.from(item))
      at += length
    }
    expect(at).toBe(all.length)
    expect(await bytesOf(batch, 30)).toEqual(all.subarray(30))
  })

  test('gives equal messages items that differ, by their salts', () => {
    const batch = batchOf('the same', 'the same')
    expect(batch.leaves.subarray(0, LEAF_LENGTH)).not.toEqual(batch.leaves.subarray(LEAF_LENGTH))
  })

  test('keeps the attributes of each message', async () => {
    const batch = new Batch()
    const attributes = attributesOf({ contentType: 'text/plain', id: '7' })
    batch.add('x', attributes, Batch.itemLength('x', attributes))
    const item = await bytesOf(batch, 0)
    const head = readItemHead(item, item.length)
    expect(head).toMatchObject({
      attributes: new Map([
        ['content-type', 'text/plain'],
        ['id', '7'],
      ]),
    })
  })

  test('takes one item of any length, several up to 1 MiB together, and 4096 at the most', () => {
    expect(new Batch().takes(16 * BATCH_LENGTH)).toBe(true)
    const batch = batchOf(new Uint8Array(BATCH_LENGTH - 100))
    const left = BATCH_LENGTH - batch.lengths[0]!
    expect(batch.takes(left)).toBe(true)
    expect(batch.takes(left + 1)).toBe(false)
    const many = batchOf(...Array.from({ length: MAX_COUNT - 1 }, () => ''))
    expect(many.takes(LEAST_ITEM)).toBe(true)
    many.add('', none, LEAST_ITEM)
    expect(many.takes(LEAST_ITEM)).toBe(false)
  })
})
