/** The attacks' own machinery: it must be able to fail, or it shows nothing. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { attacks } from '../attacks.ts'
import { Cases } from '../harness/attack.ts'
import { framesOf, pair } from '../harness/memory.ts'
import { plainKeys, plainReceive, plainSend } from '../harness/plain.ts'
import { without } from '../mutants/mutant.ts'
import { mutants } from '../mutants/mutants.ts'

describe('the attempts of an attack', () => {
  test('hold only if each ends as it must and a control shows that it can end otherwise', () => {
    const cases = new Cases()
    cases.attempt('a', 'silence', 'silence', 'CLOSE 4')
    expect(cases.faults).toEqual(['no control shows that this attack can succeed'])
    cases.control('works', 'accepted', 'accepted')
    expect(cases.faults).toEqual([])
    cases.attempt('b', 'accepted', 'silence')
    expect(cases.faults).toEqual(['b: ended with accepted, not with silence'])
    cases.control('works too', 'silence', 'accepted')
    expect([cases.count, cases.faults.length, cases.endings]).toEqual([2, 2, 'silence (1), accepted (1)'])
  })
})

test('every attack says what it tries and what a plain design loses to it', () => {
  expect(attacks.length).toBeGreaterThan(25)
  for (const { path, attack } of attacks) {
    expect(
      [attack.title, attack.tries, attack.plainDesignLoses].map((text) => text.length > 10),
      path,
    ).toEqual([true, true, true])
  }
  expect(new Set(attacks.map(({ attack }) => attack.title)).size).toBe(attacks.length)
})

test('every check that is to be taken out stands once where the list says', () => {
  const wrong = mutants.filter((mutant) => {
    return without(readFileSync(join(import.meta.dirname, '../..', mutant.file), 'utf8'), mutant) === undefined
  })
  expect(wrong.map(({ file, check }) => `${file}: ${check}`)).toEqual([])
})

test('the handshake in memory ends in one session for both, from fixed and from fresh randomness', () => {
  for (const fixed of [true, false]) {
    const { client, server, frames } = framesOf(pair(fixed))
    expect(frames.map(({ length }) => length)).toEqual([1292, 5268, 4116, 1044])
    expect(client.secrets).toEqual(server.secrets)
  }
})

test('the plain design works as long as nobody attacks it', () => {
  const [server, sender, other] = [plainKeys(), plainKeys(), plainKeys()]
  const message = { urgent: 1, subject: 'a subject', text: 'a text' }
  const bytes = plainSend(server.publicKey, sender.privateKey, message)
  expect(plainReceive(server.privateKey, sender.publicKey, bytes)).toEqual(message)
  expect(plainReceive(other.privateKey, sender.publicKey, bytes)).toBeUndefined()
  expect(plainReceive(server.privateKey, other.publicKey, bytes)).toBeUndefined()
})
