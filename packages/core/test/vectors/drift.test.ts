import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeVectors } from './generate.ts'
import { folder, read, type Vectors } from './read.ts'
import { Tape } from './tape.ts'

describe('the published vectors', async () => {
  const made = await makeVectors(new Tape(read('randomness.json')))

  test.each(Object.keys(made) as (keyof Vectors)[])(
    '%s is what this code makes of the same randomness, byte for byte',
    (file) => {
      const published = readFileSync(join(folder, file), 'utf8')
      expect(`${JSON.stringify(made[file], undefined, 2)}\n` === published, 'run packages/core/test/vectors/generate.ts').toBe(
        true,
      )
    },
  )

  test('hold every pairing of identities, every status, every kind of record and every outcome', () => {
    const handshakes = made['handshakes.json'].handshakes
    expect(new Set(handshakes.map(({ client, server }) => `${client.identity}, ${server.identity}`)).size).toBe(9)
    const statuses = made['refusals.json'].refusals.map((refusal) => refusal['SESSION-KEY'].status)
    expect(statuses).toEqual([1, 1, 2, 3, 4, 200])
    const { conversation } = made['records.json']
    expect(new Set(conversation.map(({ kind }) => kind))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7]))
    const outcomes = made['deliveries.json'].deliveries.flatMap(({ receipts }) => receipts.map(({ outcome }) => outcome))
    expect(new Set(outcomes)).toEqual(new Set([1, 2, 3, 4, 5]))
  })
})
