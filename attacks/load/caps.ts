import { type Attack, Cases } from '../harness/attack.ts'
import { Ground, HANDSHAKE_SECONDS } from '../harness/ground.ts'
import { dial, freshAddress, Line, Silence } from '../harness/line.ts'
import { honestly } from '../harness/proxy.ts'

/** How many of these are still open, a moment later. */
async function openOnes(lines: readonly Line[]): Promise<number> {
  const states = lines.map((line) =>
    line.rest(700).then(
      () => 0,
      (error) => (error instanceof Silence ? 1 : 0),
    ),
  )
  return (await Promise.all(states)).reduce((sum: number, state) => sum + state, 0)
}

export const attack: Attack = {
  title: 'Somebody takes every place at the door',
  tries:
    'a hundred connections from one address, then six hundred from as many, all silent: how many are kept, what a client with keys meets meanwhile, and how soon the places are free again.',
  plainDesignLoses: 'its door: nobody else gets in for as long as somebody stands in it.',
  async run() {
    const cases = new Cases()
    await using ground = await Ground.open()
    const one = freshAddress()
    const crowd = await Promise.all(Array.from({ length: 100 }, () => dial(ground.port, one)))
    cases.attempt('of a hundred from one address are kept', String(await openOnes(crowd)), '16')
    cases.attempt('an honest client from another address meanwhile', await honestly(ground, ground.port), 'receipt')
    for (const line of crowd) line.destroy()

    const many = await Promise.all(Array.from({ length: 600 }, () => dial(ground.port, freshAddress())))
    const kept = await openOnes(many)
    cases.attempt('of six hundred from as many addresses are kept', kept <= 256 ? '256 or fewer' : String(kept), '256 or fewer')
    cases.note(`a client with keys who comes while all places are taken: ${await honestly(ground, ground.port)}`)
    await Promise.all(many.map((line) => line.rest((HANDSHAKE_SECONDS + 4) * 1000)))
    cases.attempt('bytes that the six hundred got', String(many.reduce((sum, { received }) => sum + received, 0)), '0')
    cases.control('after the deadline the door is free', await honestly(ground, ground.port), 'receipt')
    return cases
  },
}
