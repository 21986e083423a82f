import { expect, test } from 'vitest'
import { PartStream } from '../../src/delivery/part-stream.ts'

const LENGTH = 200_000

function crumbs(parts: PartStream): void {
  for (let i = 0; i < LENGTH; i++) parts.push([Uint8Array.of(i % 251)], false)
  parts.push([], true)
}

test('an envelope that comes one byte at a time is kept in few pieces, whether it waits or is awaited', async () => {
  const waiting = new PartStream()
  crumbs(waiting)
  const awaited = new PartStream()
  const reading = awaited.pieces(LENGTH)
  for (let i = 0; i < LENGTH; i++) {
    awaited.push([Uint8Array.of(i % 251)], false)
    if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  for (const pieces of [await waiting.pieces(LENGTH), await reading]) {
    expect(pieces.length).toBeLessThan(LENGTH / 400)
    expect(Buffer.concat(pieces)).toEqual(Buffer.from(Uint8Array.from({ length: LENGTH }, (_, i) => i % 251)))
  }
})

test('what is joined is still cut where the envelope ends', async () => {
  const parts = new PartStream()
  parts.push([Uint8Array.of(1), Uint8Array.of(2)], true)
  parts.push([Uint8Array.of(3)], true)
  expect(await parts.read(2)).toEqual(Uint8Array.of(1, 2))
  await parts.end()
  expect(await parts.read(1)).toEqual(Uint8Array.of(3))
  await expect(parts.read(1)).rejects.toMatchObject({ code: 'ENCODING' })
})

test('a piece that has been read in part takes nothing in behind its back', async () => {
  const parts = new PartStream()
  parts.push([Uint8Array.of(1, 2, 3)], false)
  expect(await parts.read(1)).toEqual(Uint8Array.of(1))
  parts.push([Uint8Array.of(4)], true)
  expect(await parts.read(3)).toEqual(Uint8Array.of(2, 3, 4))
  expect(parts.buffered).toBe(0)
})

test('what is asked for whole keeps the pieces that it came in, but for the last of its envelope', async () => {
  const parts = new PartStream()
  const pieces = [1, 2, 3].map((byte) => new Uint8Array(2048).fill(byte))
  parts.push(pieces, true)
  const [first, second, ...none] = await parts.whole(2049, 3 * 2048)
  expect(first).toBe(pieces[0])
  expect(second).toBe(pieces[1])
  expect(none).toEqual([])
  expect(await parts.whole(4096, 8)).toEqual([pieces[2]!.subarray(0, 8)])
})
