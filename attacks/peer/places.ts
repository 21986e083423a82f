import { random } from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import { envelopeOf, wireOf } from '../harness/envelopes.ts'
import { Ground } from '../harness/ground.ts'
import { memoryOf } from '../harness/process.ts'

const LONG = 2 * 1024 * 1024

/** A session at a fresh outbox that leaves most of a long item behind. */
async function leavePartial(ground: Ground): Promise<boolean> {
  const entered = await ground.begin()
  const { session, outbox } = entered
  const bytes = await wireOf(await envelopeOf(ground.placeOf(entered), 1, random(LONG)))
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
  alone: true,
  async run({ full }) {
    const cases = new Cases()
    await using ground = await Ground.open()
    const round = full ? 100 : 20
    let held = 0
    const memory: number[] = []
    for (let i = 1; i <= 4 * round; i++) {
      if (await leavePartial(ground)) held += 1
      if (i % round === 0) memory.push(memoryOf(ground.pid))
    }
    const course = memory.map((mib) => mib.toFixed(0)).join(', ')
    cases.note(`${4 * round} places, ${held} partials of 2 MiB held; MiB of the server's memory after each quarter: ${course}`)
    // The first half is the time in which a process becomes as large as it has to be.
    const added = memory[3]! - memory[1]!
    cases.attempt(
      `memory for ${2 * round} more of them`,
      added < round ? 'a quarter of them, or less' : `${added.toFixed(0)} MiB`,
      'a quarter of them, or less',
    )
    cases.control('partials are held, to be resumed', String(held > 0), 'true')
    return cases
  },
}
