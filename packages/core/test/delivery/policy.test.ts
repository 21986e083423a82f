/** What a policy is told beside what it is asked. */
import { expect, test } from 'vitest'
import { envelopeOf, memoryJournal, place, receive, wireOf } from './envelopes.ts'

test.each([false, true])('the policy is told when the session is over in which it was asked; cut off: %s', async (cut) => {
  const told: unknown[] = []
  const policy = { envelope: () => told.push('asked') > 0, over: (of: unknown) => void told.push(of) }
  const [wire, next] = [await wireOf(await envelopeOf(1, 'one')), await wireOf(await envelopeOf(2, 'two'))]
  const wires = cut ? [wire, next.subarray(0, -1)] : [wire, next]
  const { statements } = await receive(memoryJournal(), wires, { policy, cut })
  expect(statements).toHaveLength(cut ? 1 : 2)
  expect(told).toHaveLength(3)
  expect(told[2]).toBe(place)
})
