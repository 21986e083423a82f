import { type Attack, Cases } from '../harness/attack.ts'
import { Ground, HANDSHAKE_SECONDS } from '../harness/ground.ts'
import { helloAnew } from '../harness/handshake.ts'
import { dial, freshAddress, Line, Silence } from '../harness/line.ts'
import { descriptorsOf, settled } from '../harness/process.ts'
import { honestly, recordedHello } from '../harness/proxy.ts'

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

/** So many connections, from one address or from as many. */
function crowd(port: number, count: number, address?: string): Promise<Line[]> {
  return Promise.all(Array.from({ length: count }, () => dial(port, address ?? freshAddress())))
}

export const attack: Attack = {
  title: 'Somebody takes every place at the door',
  tries:
    'a hundred connections from one address, then six hundred from as many, and 256 from sixteen, silent or with a recorded HELLO: how many are kept, and whether a client with keys gets in meanwhile, from another address and from the same.',
  plainDesignLoses: 'its door: nobody else gets in for as long as somebody stands in it.',
  alone: true,
  async run() {
    const cases = new Cases()
    await using ground = await Ground.open()
    const hello = await recordedHello(ground)
    const before = descriptorsOf(ground.pid)
    const enters = (): Promise<string> => honestly(ground, ground.port)
    const one = await crowd(ground.port, 100, '127.0.0.1')
    cases.attempt('of a hundred from one address are kept', String(await openOnes(one)), '16')
    cases.attempt('an honest client from that same address', await enters(), 'receipt')
    for (const line of one) line.destroy()

    const many = await crowd(ground.port, 600)
    const kept = await openOnes(many)
    cases.attempt('of six hundred from as many addresses are kept', kept <= 256 ? '256 or fewer' : String(kept), '256 or fewer')
    for (let i = 1; i <= 5; i++) cases.attempt(`honest client ${i} while all places are taken`, await enters(), 'receipt')
    for (const line of many) line.destroy()
    cases.attempt('bytes that the six hundred got', String(many.reduce((sum, { received }) => sum + received, 0)), '0')

    const addresses = Array.from({ length: 16 }, () => freshAddress())
    const fromSixteen = async (): Promise<Line[]> => {
      await settled(ground.pid, before)
      return (await Promise.all(addresses.map((address) => crowd(ground.port, 16, address)))).flat()
    }
    for (const words of ['no word', 'a recorded HELLO']) {
      const sixteen = await fromSixteen()
      if (words !== 'no word') for (const line of sixteen) line.write(hello)
      const past = `past sixteen addresses with ${words}`
      for (let i = 1; i <= 5; i++) cases.attempt(`honest client ${i} ${past}`, await enters(), 'receipt')
      for (const line of sixteen) line.destroy()
      cases.attempt(`bytes to those ${past}`, String(sixteen.reduce((sum, { received }) => sum + received, 0)), '0')
    }

    const known = await fromSixteen()
    for (const line of known) line.write(helloAnew(hello, ground.publicKey.id))
    await Promise.all(known.map((line) => line.frame()))
    cases.control('as many that make HELLOs with the public key do keep a newcomer out', await enters(), 'TRUNCATED')
    await Promise.all(known.map((line) => line.rest((HANDSHAKE_SECONDS + 4) * 1000)))
    cases.control('until their deadline', await enters(), 'receipt')
    return cases
  },
}
