/**
 * Writes the published vectors:
 *
 *     node packages/core/test/vectors/generate.ts
 *
 * With the randomness of last time, so that nothing changes but what the code does otherwise; with --fresh after a change
 * of what is signed or encapsulated.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDeliveries } from './deliveries.ts'
import { makeHandshakes } from './handshakes.ts'
import { identityVectors, makeIdentities } from './identities.ts'
import { bytesOf, folder, read, type Vectors } from './read.ts'
import { makeRecords } from './records.ts'
import { makeRefusals } from './refusals.ts'
import { Tape } from './tape.ts'

/** All files of vectors, by name. */
export async function makeVectors(tape: Tape): Promise<Vectors> {
  const identities = makeIdentities(tape)
  const handshakes = makeHandshakes(tape, identities)
  const refusals = makeRefusals(tape, identities)
  const [first] = handshakes
  const place = { outbox: bytesOf(first!.client.outbox), journal: bytesOf(first!.server.journal) }
  const deliveries = await makeDeliveries(tape, identities, place)
  return {
    'identities.json': { identities: identityVectors(identities) },
    'handshakes.json': { handshakes },
    'refusals.json': { refusals },
    'records.json': makeRecords(first!, deliveries[0]!),
    'deliveries.json': { deliveries },
    'randomness.json': tape.values,
  }
}

if (import.meta.main) {
  const fresh = process.argv.includes('--fresh')
  const vectors = await makeVectors(new Tape(fresh ? undefined : read('randomness.json')))
  for (const [file, content] of Object.entries(vectors))
    writeFileSync(join(folder, file), `${JSON.stringify(content, undefined, 2)}\n`)
}
