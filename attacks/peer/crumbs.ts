import { composeItem, concat, composeEnvelope, random } from '@countersign/core/protocol'
import { once } from 'node:events'
import { type Attack, Cases } from '../harness/attack.ts'
import { wireOf } from '../harness/envelopes.ts'
import type { Ground } from '../harness/ground.ts'
import { memoryOf, pause } from '../harness/process.ts'

/** Sends an envelope of `size` bytes in records of `length` each, but for its end; what that adds to the server's memory, in MiB. */
async function sendPieces(
  ground: Ground,
  size: number,
  length: number,
): Promise<{ readonly added: number; readonly ended: string }> {
  const { session, outbox } = await ground.enter()
  const items = await Promise.all([1, 2].map(async () => composeItem(random(size / 2))))
  const numbers = { to: ground.publicKey.id, outbox, first: 1, sentAt: Date.now() }
  const bytes = await wireOf(await composeEnvelope(ground.mallory, numbers, items))
  session.send('PING', random(8))
  const before = memoryOf(ground.pid)
  let held: Uint8Array[] = []
  for (let at = 0; at < bytes.length - 1; at += length) {
    held.push(session.sealed('MESSAGE', bytes.subarray(at, Math.min(at + length, bytes.length - 1))))
    if (held.length < 1000) continue
    if (!session.line.stream.write(concat(...held))) await once(session.line.stream, 'drain')
    held = []
  }
  session.line.write(...held)
  // The answer to this stands behind all that was sent.
  session.send('PING', random(8))
  await session.until('PONG')
  await session.until('PONG')
  await pause(200)
  const added = memoryOf(ground.pid) - before
  session.send('MESSAGE-END', bytes.subarray(-1))
  const receipt = await session.receipt()
  session.close()
  return { added, ended: receipt === undefined ? 'none' : 'receipt' }
}

export const attack: Attack = {
  title: 'An enrolled client sends its messages one byte at a time',
  tries:
    'an envelope in records of one byte each, held back just before its end: what the server holds for it must stay in proportion to what it is.',
  plainDesignLoses: 'memory: each little piece costs a receiver that keeps a list of them a hundred times its size.',
  alone: true,
  async run(ground) {
    const cases = new Cases()
    const size = (ground.full ? 1024 : 256) * 1024
    const whole = await sendPieces(ground, size, 65_536)
    const crumbs = await sendPieces(ground, size, 1)
    cases.note(
      `${size / 1024} KiB in one piece: ${whole.added.toFixed(0)} MiB more; in single bytes: ${crumbs.added.toFixed(0)} MiB more`,
    )
    cases.attempt(
      `${size} bytes, one by one`,
      crumbs.added < 48 ? 'memory in proportion' : `${crumbs.added.toFixed(0)} MiB`,
      'memory in proportion',
    )
    cases.control('both are taken in the end', `${whole.ended}, ${crumbs.ended}`, 'receipt, receipt')
    return cases
  },
}
