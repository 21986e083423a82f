import { type Attack, Cases } from '../harness/attack.ts'
import type { Ground } from '../harness/ground.ts'
import { honestly, middle, type Way } from '../harness/proxy.ts'

/** Two honest clients, one after the other; the second one's frame `index` is the first one's. */
async function crossed(ground: Ground, way: Way, index: number): Promise<{ left: string; right: string }> {
  let taken: Uint8Array | undefined
  await using between = await middle(ground.port, (on, at, frame) => {
    if (on !== way || at !== index) return [frame]
    taken ??= frame
    return [taken]
  })
  const left = await honestly(ground, between.port, ['left'])
  return { left, right: await honestly(ground, between.port, ['right'], { handshakeWithin: 6_000 }) }
}

export const attack: Attack = {
  title: 'Somebody splices two sessions',
  tries:
    'each frame of one session of a client put in the place of the same frame of another session of the same client with the same server, both ways.',
  plainDesignLoses: 'what belongs together: parts of two exchanges are joined into one that never took place.',
  async run(ground) {
    const cases = new Cases()
    const ways: readonly Way[] = ['to server', 'to client']
    for (const way of ways) {
      for (const index of [0, 1, 2, 3]) {
        const { left, right } = await crossed(ground, way, index)
        cases.control(`the session that frame ${index} ${way} was taken from goes on`, left, 'receipt')
        cases.attempt(`frame ${index} ${way} of another session`, right, 'TRUNCATED', 'NOT_AUTHENTIC', 'no answer')
      }
    }
    return cases
  },
}
