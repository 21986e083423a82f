import { type Attack, Cases } from '../harness/attack.ts'
import { at } from '../harness/handshake.ts'

export const attack: Attack = {
  title: 'Somebody asks for another version',
  tries:
    'HELLO with a right gate and each version but 1, and with each byte of the magic changed; and with the reserved bytes set, which a later version may use.',
  plainDesignLoses: 'nothing where it has one version too; a design that negotiates is talked down to its weakest one.',
  async run(ground) {
    const cases = new Cases()
    const versions = ground.full ? Array.from({ length: 256 }, (_, i) => i) : [0, 2, 3, 4, 127, 128, 255]
    const hello = (place: number, value: number): Promise<string> =>
      ground.knock({
        twist: at('hello', (frame) => {
          const changed = Uint8Array.from(frame)
          changed[place] = value
          return changed
        }),
      })
    const tries = [
      ...versions.filter((version) => version !== 1).map((version) => [`version ${version}`, 8, version] as const),
      ...[4, 5, 6, 7].map((place) => [`another byte ${place - 4} of the magic`, place, 0x78] as const),
    ]
    // Never more at once than the server admits.
    for (let i = 0; i < tries.length; i += 100) {
      const some = tries.slice(i, i + 100).map(async ([what, place, value]) => [what, await hello(place, value)] as const)
      for (const [what, ended] of await Promise.all(some)) cases.attempt(what, ended, 'silence')
    }
    cases.control('version 1 is accepted', await hello(8, 1), 'accepted')
    cases.control('reserved bytes that are not zero are accepted, under gate and transcript', await hello(9, 0xff), 'accepted')
    return cases
  },
}
