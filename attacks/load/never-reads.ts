import { once } from 'node:events'
import { type Attack, Cases } from '../harness/attack.ts'
import { Ground } from '../harness/ground.ts'
import { memoryOf, pause } from '../harness/process.ts'

/** Questions that are asked and answered before it stops to read. */
const WARM = 5_000

export const attack: Attack = {
  title: 'An enrolled client that never reads',
  tries:
    'it sends, and asks for its receipts again and again, without ever reading one: what the server holds for it must end, and so must its reading on.',
  plainDesignLoses: 'memory, without end: answers pile up for whoever does not fetch them.',
  alone: true,
  async run({ full }) {
    const cases = new Cases()
    await using ground = await Ground.open()
    const entered = await ground.begin()
    const { session } = entered
    const wire = await ground.messageOf(entered, 'read this')
    session.envelope(wire)
    // The first so many make the process as large as work makes it: what is held for this client shows behind them.
    let read = 0
    for (let asked = 0; asked < WARM; asked += 100) {
      for (let i = 0; i < 100; i++) session.send('MESSAGE-END', wire)
      for (let i = 0; i < 100; i++) if ((await session.receipt()) !== undefined) read += 1
    }
    cases.control(
      'as long as it reads it gets its receipts',
      String((await session.receipt()) !== undefined && read === WARM),
      'true',
    )
    const before = memoryOf(ground.pid)
    session.line.stream.pause()
    const most = (full ? 400 : 80) * 1024 * 1024
    let sent = 0
    let blocked = false
    // The same envelope again, whole: each is answered with its receipt, which is as long as the question.
    while (sent < most && !blocked) {
      const record = session.sealed('MESSAGE-END', wire)
      sent += record.length
      if (session.line.stream.write(record)) continue
      blocked = await Promise.race([once(session.line.stream, 'drain').then(() => false), pause(3_000).then(() => true)])
    }
    const added = memoryOf(ground.pid) - before
    cases.note(
      `it sent ${(sent / 2 ** 20).toFixed(1)} MiB before the server read no further; the server grew by ${added.toFixed(0)} MiB`,
    )
    cases.attempt('how long it is read', blocked ? 'no further' : `${sent} bytes and more`, 'no further')
    cases.attempt('what is held for it', added < 64 ? 'within bounds' : `${added.toFixed(0)} MiB`, 'within bounds')
    await ground.stillServes()
    session.line.destroy()
    return cases
  },
}
