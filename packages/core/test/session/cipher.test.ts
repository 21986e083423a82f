import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, hex } from '../../src/bytes.ts'
import { random } from '../../src/crypto/hash.ts'
import { codeOf } from '../harness/code.ts'
import { RecordOpener, Sealer } from '../../src/session/cipher.ts'
import { KIND, MAX_PAYLOAD } from '../../src/wire/records.ts'
import { keyOf, label, nonceOf, open } from '../reference/primitives.ts'

const nothing = new Uint8Array(0)

function ends(): { readonly sealer: Sealer; readonly opener: RecordOpener } {
  const secret = random(32)
  return { sealer: new Sealer(Uint8Array.from(secret)), opener: new RecordOpener(Uint8Array.from(secret)) }
}

function at(seq: number): ReturnType<typeof ends> {
  const both = ends()
  both.sealer.seq = both.opener.seq = seq
  return both
}

function opened(opener: RecordOpener, bytes: Uint8Array): string | undefined {
  const { record } = opener.take(bytes)
  return record && `${record.kind} ${hex(concat(...record.payload))}`
}

test('a record that comes one byte at a time is held in few pieces, and is the record that was sealed', () => {
  const { sealer, opener } = ends()
  const payload = random(MAX_PAYLOAD)
  const bytes = concat(...sealer.record(KIND.MESSAGE, [payload]))
  for (let i = 0; i < bytes.length - 1; i++) opener.take(bytes.subarray(i, i + 1))
  const record = opener.take(bytes.subarray(-1)).record!
  expect(record.payload.length).toBeLessThan(MAX_PAYLOAD / 512)
  expect(hex(concat(...record.payload))).toBe(hex(payload))
})

describe('sequence numbers', () => {
  test.each([2 ** 31 - 1, 2 ** 32 - 2, 2 ** 52])('go on across %i', (start) => {
    const { sealer, opener } = at(start)
    const frames = [0, 1, 2, 3].map((byte) => concat(...sealer.record(KIND.MESSAGE, [Uint8Array.of(byte)])))
    expect(frames.map((frame) => opened(opener, frame))).toEqual(['1 00', '1 01', '1 02', '1 03'])
    expect([sealer.seq, opener.seq]).toEqual([start + 4, start + 4])
  })

  test('that differ only above 32 bits do not open each other’s records', () => {
    const { sealer, opener } = ends()
    sealer.seq = 2 ** 32
    const frame = concat(...sealer.record(KIND.PING, [random(8)]))
    expect(() => opener.take(frame)).toThrow(expect.objectContaining({ code: 'NOT_AUTHENTIC' }))
  })

  test('stop before 2^53: nothing is sealed or opened any more, and nothing is counted', () => {
    const { sealer, opener } = at(2 ** 53 - 2)
    const last = concat(...sealer.record(KIND.MESSAGE, [Uint8Array.of(1)]))
    expect(opened(opener, last)).toBe('1 01')
    for (let again = 0; again < 2; again++) {
      expect(() => sealer.record(KIND.MESSAGE, [Uint8Array.of(1)])).toThrow(expect.objectContaining({ code: 'SESSION_ENDED' }))
      expect(() => opener.take(last)).toThrow(expect.objectContaining({ code: 'LIMIT' }))
    }
    expect([sealer.seq, opener.seq]).toEqual([2 ** 53 - 1, 2 ** 53 - 1])
  })
})

/** What a direction does: seal a record of so many bytes, or change its key. */
const steps = fc.array(fc.oneof(fc.nat(300), fc.constant('update' as const)), { maxLength: 60 })

describe('nonces', () => {
  test('never repeat under a key, across any number of updates', () => {
    fc.assert(
      fc.property(steps, (list) => {
        let secret = random(32)
        const sealer = new Sealer(Uint8Array.from(secret))
        const used = new Set<string>()
        let [seq, records] = [0, 0]
        const seal = (kind: number, length: number): void => {
          const frame = concat(...sealer.record(kind, [new Uint8Array(length)]))
          // Opened by the second implementation: this key and this nonce, and no other, have sealed it.
          expect(open(secret, seq, frame.subarray(0, 4), frame.subarray(4))).toHaveLength(1 + length)
          const { key, iv } = keyOf(secret)
          used.add(`${hex(key)} ${hex(nonceOf(iv, seq))}`)
          seq += 1
          records += 1
        }
        for (const step of list) {
          if (step !== 'update') {
            seal(KIND.MESSAGE, step)
            continue
          }
          seal(KIND['KEY-UPDATE'], 0)
          sealer.update()
          ;[secret, seq] = [label(secret, 'traffic update', '', 32), 0]
        }
        expect(used.size).toBe(records)
      }),
      { numRuns: 100 },
    )
  })

  test('are those of section 2: no two records of the same plaintext look alike, and each opens only in its turn', () => {
    const { sealer, opener } = ends()
    const frames = Array.from({ length: 20 }, () => concat(...sealer.record(KIND.MESSAGE, [new Uint8Array(32)])))
    expect(new Set(frames.map(hex)).size).toBe(20)
    expect(() => opener.take(frames[1]!)).toThrow(expect.objectContaining({ code: 'NOT_AUTHENTIC' }))
  })
})

test('any split of any records opens to the same payloads, whatever the updates between them', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 50 })
  fc.assert(
    fc.property(steps, cuts, (list, lengths) => {
      const { sealer, opener } = ends()
      const expected: string[] = []
      const stream: Uint8Array[] = []
      for (const [i, step] of list.entries()) {
        const payload = step === 'update' ? nothing : new Uint8Array(step).fill(i)
        stream.push(
          ...sealer.record(step === 'update' ? KIND['KEY-UPDATE'] : KIND.MESSAGE, [payload.subarray(0, 3), payload.subarray(3)]),
        )
        expected.push(hex(payload))
        if (step === 'update') sealer.update()
      }
      const bytes = concat(...stream)
      const seen: string[] = []
      for (let from = 0, turn = 0; from < bytes.length; turn++) {
        const chunk = bytes.subarray(from, from + lengths[turn % lengths.length]!)
        for (let done = 0; done < chunk.length;) {
          const { taken, record } = opener.take(chunk.subarray(done))
          done += taken
          if (record === undefined) continue
          seen.push(hex(concat(...record.payload)))
          expect(record.payload.every((piece) => piece.length > 0)).toBe(true)
          if (record.kind === KIND['KEY-UPDATE']) opener.update()
        }
        from += chunk.length
      }
      expect(seen).toEqual(expected)
    }),
    { numRuns: 100 },
  )
})

test('a record of the longest payload is sealed and opened, and none longer is opened', () => {
  const { sealer, opener } = ends()
  const longest = concat(...sealer.record(KIND.MESSAGE, [new Uint8Array(MAX_PAYLOAD)]))
  expect(longest.length).toBe(4 + 65_553)
  expect(opener.take(longest).record!.length).toBe(MAX_PAYLOAD)
  const longer = concat(...sealer.record(KIND.MESSAGE, [new Uint8Array(MAX_PAYLOAD + 1)]))
  expect(() => opener.take(longer)).toThrow(expect.objectContaining({ code: 'FRAME' }))
})

test('a flipped bit anywhere in a record ends it: in the header or behind it', () => {
  const secret = random(32)
  const frame = concat(...new Sealer(Uint8Array.from(secret)).record(KIND.PING, [random(8)]))
  const codes = new Map<string, number>()
  for (let bit = 0; bit < 8 * frame.length; bit++) {
    const wrong = Uint8Array.from(frame)
    wrong[bit >> 3]! ^= 1 << (bit & 7)
    const opener = new RecordOpener(Uint8Array.from(secret))
    // A header that says more waits for more: what comes then does not open.
    const code = codeOf(() => opener.take(concat(wrong, new Uint8Array(70_000)))) ?? 'opened'
    codes.set(code, (codes.get(code) ?? 0) + 1)
  }
  expect([...codes.keys()].toSorted()).toEqual(['FRAME', 'NOT_AUTHENTIC'])
})
