import { concat, random } from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import type { RogueSession } from '../harness/session.ts'

const MANY = 3_000

/** Sends as many as the server takes, and how it ends. */
type Flood = (session: RogueSession, i: number) => void

function update(session: RogueSession): void {
  session.send('KEY-UPDATE')
  session.sealer.update()
}

const floods: readonly (readonly [what: string, must: string, count: number, flood: Flood])[] = [
  ['PING without end', 'CLOSE 4', MANY, (session) => session.send('PING', random(8))],
  ['KEY-UPDATE without end', 'CLOSE 4', MANY, update],
  [
    'KEY-UPDATE and a little between',
    'CLOSE 4',
    MANY,
    (session) => {
      update(session)
      session.send('PING', random(8))
    },
  ],
  ['empty ends of messages', 'CLOSE 4', 1, (session) => session.send('MESSAGE-END')],
  ['a PONG that nobody asked for', 'CLOSE 4', 1, (session) => session.send('PONG', random(8))],
  ['a PING of 7 bytes', 'CLOSE 4', 1, (session) => session.send('PING', random(7))],
  ['a PING of 64 KiB', 'CLOSE 4', 1, (session) => session.send('PING', random(65_536))],
  ['an empty MESSAGE', 'CLOSE 4', 1, (session) => session.send('MESSAGE')],
  ['a KEY-UPDATE with a payload', 'CLOSE 4', 1, (session) => session.send('KEY-UPDATE', random(1))],
  ['kind 0', 'CLOSE 4', 1, (session) => session.send(0, random(8))],
  ['kind 8', 'CLOSE 4', 1, (session) => session.send(8)],
  ['kind 255', 'CLOSE 4', 1, (session) => session.send(255, random(100))],
  [
    'a record under the key before the update',
    'silence',
    1,
    (session) => {
      const old = session.sealed('PING', random(8))
      session.sealer.seq -= 1
      update(session)
      session.line.write(old)
    },
  ],
  [
    'the next record under the old key',
    'silence',
    1,
    (session) => {
      session.send('KEY-UPDATE')
      session.send('PING', random(8))
    },
  ],
  [
    'a skipped sequence number',
    'silence',
    1,
    (session) => {
      session.sealer.seq += 1
      session.send('PING', random(8))
    },
  ],
  [
    'a sequence number used twice',
    'silence',
    1,
    (session) => {
      session.send('PING', random(8))
      session.sealer.seq -= 1
      session.send('PING', random(8))
    },
  ],
]

export const attack: Attack = {
  title: 'An enrolled client keeps the server busy with records that say nothing',
  tries: 'PING and KEY-UPDATE without end, records of no kind, of the wrong form, under the wrong key and out of turn.',
  plainDesignLoses: 'its time: whoever is let in may make it derive keys and answer for as long as he likes.',
  async run(ground) {
    const cases = new Cases()
    await Promise.all(
      floods.map(async ([what, must, count, flood]) => {
        const { session } = await ground.begin()
        for (let i = 0; i < count; i++) flood(session, i)
        cases.attempt(what, await session.fate(), must)
        session.line.destroy()
      }),
    )
    const { session } = await ground.enter()
    for (let i = 0; i < 20; i++) {
      session.send('PING', concat(random(8)))
      update(session)
    }
    cases.control('twenty of each are borne', await session.alive(), 'alive')
    session.close()
    return cases
  },
}
