import { composeEnvelope, composeItem, random } from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import { wireOf } from '../harness/envelopes.ts'
import { Ground } from '../harness/ground.ts'
import { memoryOf, pause } from '../harness/process.ts'

const LONG = 2 * 1024 * 1024

/** A session at a fresh outbox that leaves most of a long item behind. */
async function leavePartial(ground: Ground): Promise<boolean> {
  const { session, outbox } = await ground.enter()
  const numbers = { to: ground.publicKey.id, outbox, first: 1, sentAt: 0 }
  const bytes = await wireOf(await composeEnvelope(ground.mallory, numbers, [await composeItem(random(LONG))]))
  session.send('PING', random(8))
  for (let at = 0; at < LONG - 65_536; at += 65_536) session.send('MESSAGE', bytes.subarray(at, at + 65_536))
  session.close()
  await session.fate()
  const again = await ground.enter({ outbox })
  again.session.line.destroy()
  return again.position.offset > 0
}

export const attack: Attack = {
  title: 'An enrolled client opens places, and leaves half a message at each',
  tries:
    'a session for each of many fresh outbox ids, with two mebibytes of an item that never ends left at each: what the server keeps of them must not stand in its memory.',
  plainDesignLoses: 'nothing more than here, where it resumes nothing; one that keeps half-sent files keeps them for ever.',
  async run({ full }) {
    const cases = new Cases()
    await using ground = await Ground.open()
    const round = full ? 100 : 20
    let held = 0
    for (let i = 0; i < round; i++) if (await leavePartial(ground)) held += 1
    const before = memoryOf(ground.pid)
    for (let i = 0; i < round; i++) if (await leavePartial(ground)) held += 1
    await pause(500)
    const added = memoryOf(ground.pid) - before
    cases.note(
      `${2 * round} places, ${held} partials held; the second half of them added ${added.toFixed(0)} MiB to the server's memory`,
    )
    cases.attempt(
      `memory for ${round} more of them`,
      added < round ? 'less than half of them' : `${added.toFixed(0)} MiB`,
      'less than half of them',
    )
    cases.control('partials are held, to be resumed', String(held > 0), 'true')
    return cases
  },
}
