import { concat } from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import type { Ground } from '../harness/ground.ts'
import { at } from '../harness/handshake.ts'
import { Silence } from '../harness/line.ts'

function lying(length: number): (frame: Uint8Array) => Uint8Array {
  return (frame) => concat(Uint8Array.of(frame[0]!, length >> 16, length >> 8, length), frame.subarray(4))
}

/** How long the server goes on reading after such a header, body never sent: it must not wait for one. */
async function record(ground: Ground, header: readonly number[]): Promise<string> {
  const { session } = await ground.enter()
  if ((await session.alive()) !== 'alive') return 'not alive'
  session.line.write(Uint8Array.from(header))
  try {
    await session.line.rest(3_000)
    return 'silence'
  } catch (error) {
    if (error instanceof Silence) return 'open'
    throw error
  }
}

export const attack: Attack = {
  title: 'Somebody lies about lengths',
  tries:
    'headers of every frame that announce 0, one less, one more, the most a header can say, and other types; of records also with their body never sent.',
  plainDesignLoses:
    'memory, reserved for what never comes, or a reader out of step that takes the middle of one message for the start of the next.',
  async run(ground) {
    const cases = new Cases()
    const tries = (['helloFrame', 'ack'] as const).flatMap((name) => {
      const right = name === 'helloFrame' ? 1288 : 4112
      return [0, 1, 16, right - 1, right + 1, 65_553, 65_554, 0xff_ffff].map((length) => ({ name, length }))
    })
    await Promise.all(
      tries.map(async ({ name, length }) => {
        cases.attempt(`${name} of ${length}`, await ground.knock({ twist: at(name, lying(length)) }), 'silence')
      }),
    )
    const headers = [
      [5, 0, 0, 0],
      [5, 0, 0, 16],
      [5, 1, 0, 18],
      [5, 0xff, 0xff, 0xff],
      [0, 0, 0, 32],
      [1, 0, 5, 8],
      [4, 0, 4, 16],
      [6, 0, 0, 32],
      [255, 0, 0, 32],
    ]
    for (const header of headers)
      cases.attempt(`a record's header of ${header.join(' ')}`, await record(ground, header), 'silence')
    cases.control('a header within bounds is waited for', await record(ground, [5, 0, 0, 17]), 'open')
    cases.control('frames of the right length are accepted', await ground.knock(), 'accepted')
    return cases
  },
}
