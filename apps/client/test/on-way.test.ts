import { expect, test } from 'vitest'
import { OnWay } from '../src/on-way.ts'

test('what an interrupted session had sent, and the next one has to send again, is not counted twice', async () => {
  const reached: number[] = []
  const onWay = new OnWay({ reach: (done) => void reached.push(done) })
  const send = (length: number): void => onWay.see({ sent: true, frame: 'RECORD', kind: 'MESSAGE', length })
  const way = { send: () => Promise.resolve({}) } as unknown as Parameters<OnWay['counted']>[0]
  onWay.begin({ peerHolds: 0 })
  send(100)
  await onWay.counted(way).send(new Blob(['x'.repeat(100)]), {})
  send(300)
  send(300)
  // The second file goes on behind the 400 of its bytes that have arrived.
  onWay.begin({ peerHolds: 400 })
  send(300)
  expect(reached).toEqual([0, 100, 400, 700, 500, 800])
})
