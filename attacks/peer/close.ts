import { concat, random } from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import type { Ground, Session } from '../harness/ground.ts'
import { plainLines } from '../harness/process.ts'

const DONE = Uint8Array.of(0, 0, 0, 0, 0)
/** It would clear a terminal's screen, and is no UTF-8. */
const RUDE = Uint8Array.of(4, 0, 0, 0, 6, 0x1b, 0x5b, 0x32, 0x4a, 0xff, 0xfe)
const LONGEST = concat(Uint8Array.of(0, 0, 0, 0xff, 0xfb), new Uint8Array(65_531).fill(0x41))

type Act = (entered: Session, ground: Ground) => Promise<void> | void
type Row = readonly [what: string, must: string, act: Act]

function closing(...payloads: readonly Uint8Array[]): Act {
  return ({ session }) => {
    for (const payload of payloads) session.send('CLOSE', payload)
  }
}

/** In place of a first record. */
const unbegun: readonly Row[] = [
  ['CLOSE as the first record', 'CLOSE 0', closing(DONE)],
  ['FIN before the first record', 'silence', ({ session }) => session.line.end()],
  ['no record at all, until the deadline', 'silence', () => {}],
]

/** Behind a first record. */
const begun: readonly Row[] = [
  [
    'CLOSE in the middle of an envelope',
    'CLOSE 0',
    async (entered, ground) => {
      entered.session.send('MESSAGE', (await ground.messageOf(entered, 'half')).subarray(0, 150))
      entered.session.send('CLOSE', DONE)
    },
  ],
  ['CLOSE twice', 'CLOSE 0', closing(DONE, DONE)],
  [
    'a message behind CLOSE',
    'CLOSE 0',
    async (entered, ground) => {
      entered.session.send('CLOSE', DONE)
      entered.session.envelope(await ground.messageOf(entered, 'behind CLOSE'))
    },
  ],
  [
    'noise behind CLOSE',
    'CLOSE 0',
    ({ session }) => {
      session.send('CLOSE', DONE)
      session.line.write(random(10_000))
    },
  ],
  ['CLOSE 255', 'CLOSE 0', closing(DONE.with(0, 255))],
  ['CLOSE with a text that is no UTF-8 and would write on the terminal', 'CLOSE 0', closing(RUDE)],
  ['CLOSE with a text of 64 KiB', 'CLOSE 0', closing(LONGEST)],
  ['an empty CLOSE', 'CLOSE 4', ({ session }) => session.send('CLOSE')],
  ['CLOSE whose text is longer than it', 'CLOSE 4', closing(Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff))],
  ['FIN in place of CLOSE', 'silence', ({ session }) => session.line.end()],
]

export const attack: Attack = {
  title: 'An enrolled client ends its session in every way but the right one',
  tries: 'CLOSE before anything, in the middle, twice, malformed, with something behind it; FIN in its place; nothing at all.',
  plainDesignLoses: 'the difference between an end and a cut: both look like the end of the stream.',
  async run(ground) {
    const cases = new Cases()
    const end = async ([what, must, act]: Row, entered: Session): Promise<void> => {
      await act(entered, ground)
      cases.attempt(what, await entered.session.fate(), must)
      entered.session.line.destroy()
    }
    await Promise.all([
      ...unbegun.map(async (row) => end(row, await ground.enter())),
      ...begun.map(async (row) => end(row, await ground.begin())),
    ])
    cases.attempt('delivered of what stood behind CLOSE', String(ground.stored('behind CLOSE') + ground.stored('half')), '0')
    cases.attempt(
      'what the server printed is plain text',
      String(plainLines(ground.server.stderr + ground.server.stdout)),
      'true',
    )
    const entered = await ground.begin()
    entered.session.envelope(await ground.messageOf(entered, 'before CLOSE'))
    entered.session.close()
    cases.control(
      'a message before a right CLOSE is receipted first',
      `${await entered.session.fate()}, ${entered.session.receipts.length} receipt`,
      'CLOSE 0, 1 receipt',
    )
    return cases
  },
}
