/** What `--trace` says of the wire is what the protocol says of it. */
import { encode, FRAMES, type FrameName, HEADER_LENGTH, receiptStatement } from '@countersign/core/protocol'
import { expect, test } from 'vitest'
import { narrator, STEPS } from '../../src/cli/trace.ts'

const handshake = (Object.keys(FRAMES) as FrameName[]).filter((name) => name !== 'RECORD')

test.each(handshake)('the fields of %s are as long together as the frame', async (name) => {
  const lengths = STEPS[name].fields.map(([, bytes]) => bytes!)
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(HEADER_LENGTH + FRAMES[name].least)
})

test('a receipt is as long as it says', async () => {
  const id = new Uint8Array(32)
  const outbox = new Uint8Array(16)
  const numbers = { first: 1, count: 1, receivedAt: 0, index: 1 }
  const statement = encode(receiptStatement, {
    from: id,
    to: id,
    outbox,
    ...numbers,
    digest: id,
    outcome: 1,
    journal: outbox,
    chain: id,
  })
  expect(STEPS.RECEIPT.fields.find(([name]) => name === 'statement')![1]).toBe(4 + statement.length)
})

test('each step is explained once, and what repeats is counted', async () => {
  const lines: string[] = []
  const tell = narrator((line) => lines.push(line))
  for (let i = 0; i < 4; i++) tell({ sent: true, frame: 'RECORD', kind: 'MESSAGE', length: 65_557 })
  tell({ sent: true, frame: 'RECORD', kind: 'PING', length: 29 })
  tell({ sent: false, frame: undefined, length: 9 })
  const steps = lines.filter((line) => /^[→←]/.test(line)).map((line) => line.split('  ')[0])
  expect(steps).toEqual(['→ MESSAGE', '→ PING', '← another type of frame'])
  expect(lines).toContain('  and 3 more like it')
  expect(lines.filter((line) => line.includes('of AES-256-GCM'))).toHaveLength(1)
})
