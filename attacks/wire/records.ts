import { type Attack, Cases } from '../harness/attack.ts'
import { honestly, type Meddle, middle } from '../harness/proxy.ts'

/** On the way to the server: the fourth frame and later are records; PING first, then the messages. */
function onRecords(change: (index: number, frame: Uint8Array, kept: Uint8Array[]) => readonly Uint8Array[]): Meddle {
  const kept: Uint8Array[] = []
  return (way, index, frame) => {
    if (way !== 'to server' || index < 2) return [frame]
    kept.push(frame)
    return change(index - 2, frame, kept)
  }
}

const meddling: readonly [string, () => Meddle][] = [
  ['the first two records swapped', () => onRecords((i, frame, kept) => (i === 0 ? [] : i === 1 ? [frame, kept[0]!] : [frame]))],
  ['a message dropped and the next one let through', () => onRecords((i, frame) => (i === 1 ? [] : [frame]))],
  ['the PING dropped', () => onRecords((i, frame) => (i === 0 ? [] : [frame]))],
  ['a message doubled', () => onRecords((i, frame) => (i === 1 ? [frame, frame] : [frame]))],
  [
    'the client’s records sent back to it',
    () => {
      const records: Uint8Array[] = []
      return (way, index, frame) => {
        if (way === 'to server' && index >= 2) records.push(frame)
        return way === 'to client' && index >= 2 && records.length > 0 ? [records[0]!] : [frame]
      }
    },
  ],
  [
    'the server’s records sent back to it',
    () => {
      const records: Uint8Array[] = []
      return (way, index, frame) => {
        if (way === 'to client' && index >= 2) records.push(frame)
        return way === 'to server' && index >= 3 && records.length > 0 ? [records[0]!] : [frame]
      }
    },
  ],
  [
    'the receipt dropped and the next one let through',
    () => (way, index, frame) => (way === 'to client' && index === 3 ? [] : [frame]),
  ],
  ['the server’s PONG doubled', () => (way, index, frame) => (way === 'to client' && index === 2 ? [frame, frame] : [frame])],
  [
    'two records made into one',
    () => onRecords((i, frame, kept) => (i === 0 ? [] : i === 1 ? [Buffer.concat([kept[0]!, frame.subarray(4)])] : [frame])),
  ],
]

export const attack: Attack = {
  title: 'Somebody plays with the order of records',
  tries: 'records swapped, dropped, doubled, joined, and reflected to the side that sent them, in live sessions, both ways.',
  plainDesignLoses:
    'order and number: each message stands for itself, so any of them can be left out, repeated or brought forward.',
  async run(ground) {
    const cases = new Cases()
    const texts = ['order 1', 'order 2', 'order 3']
    await Promise.all(
      meddling.map(async ([what, meddle]) => {
        await using between = await middle(ground.port, meddle())
        cases.attempt(
          what,
          await honestly(ground, between.port, texts, { limits: { pingAfter: 1000, idleAfter: 4000 } }),
          'TRUNCATED',
          'NOT_AUTHENTIC',
          'IDLE',
        )
      }),
    )
    await using between = await middle(
      ground.port,
      onRecords((_, frame) => [frame]),
    )
    cases.control(
      'the same proxy, changing nothing, lets all three through',
      await honestly(ground, between.port, texts),
      'receipt',
    )
    return cases
  },
}
