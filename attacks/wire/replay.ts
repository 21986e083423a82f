import { type Attack, Cases } from '../harness/attack.ts'
import { helloAnew } from '../harness/handshake.ts'
import { Ended, Silence, trap } from '../harness/line.ts'
import { honestly, middle } from '../harness/proxy.ts'
import { plainKeys, plainReceive, plainSend } from '../harness/plain.ts'
import type { Ground } from '../harness/ground.ts'

/** Says all of it again to the server; how that ended, and how many bytes it was worth to the attacker. */
async function sayAgain(ground: Ground, frames: readonly Uint8Array[]): Promise<string> {
  const line = await ground.dial()
  line.write(...frames)
  try {
    await line.rest(12_000)
    return `${line.received} bytes`
  } catch (error) {
    if (error instanceof Ended || error instanceof Silence) return error.name
    throw error
  }
}

/** One HELLO+ACK: what anybody gets who holds the server's public key, and a recording where no crowd comes with it. */
const ONE_ANSWER = '5268 bytes'
const NOTHING = '0 bytes'

export const attack: Attack = {
  title: 'Somebody says again what was said before',
  tries:
    'a recorded session replayed to the server, whole and frame by frame; its HELLO twenty times; its records in the same session and in another one of the same client; and the server’s side of it replayed to the client.',
  plainDesignLoses: 'the message again, as if it had been sent again: nothing in it says when, or that it came before.',
  async run(ground) {
    const cases = new Cases()
    await using recorder = await middle(ground.port)
    cases.control(
      'the session that is recorded ends with its receipt',
      await honestly(ground, recorder.port, ['once']),
      'receipt',
    )
    const of = (way: string): Uint8Array[] => recorder.heard.filter((said) => said.way === way).map(({ frame }) => frame)
    const [asked, answered] = [of('to server'), of('to client')]

    const hellos = Array.from({ length: ground.full ? 200 : 20 }, () => [asked[0]!])
    const sayings = [asked, ...asked.map((frame) => [frame]), ...hellos]
    const endings = await Promise.all(sayings.map((frames) => sayAgain(ground, frames)))
    for (const [i, ended] of endings.entries()) {
      const hello = i < 2 || i > asked.length
      cases.attempt(`saying ${i}`, hello && ended === ONE_ANSWER ? NOTHING : ended, NOTHING)
    }
    cases.note(
      `${endings.filter((ended) => ended === ONE_ANSWER).length} of ${hellos.length + 2} recorded HELLOs were worth one HELLO+ACK, the others nothing`,
    )
    const anew = await sayAgain(ground, [helloAnew(asked[0]!, ground.publicKey.id)])
    cases.control('the same HELLO made anew, with the public key, gets one HELLO+ACK', anew, '5268 bytes')
    cases.attempt('stored all the same', String(await ground.storedSoon('once')), '1')

    for (const [what, again] of [
      ['a record again in its session', [4]],
      ['the first record in place of the third', [2, 4]],
    ] as const) {
      const kept: Uint8Array[] = []
      await using between = await middle(ground.port, (way, index, frame) => {
        if (way !== 'to server') return [frame]
        kept[index] = frame
        return again.includes(index as never) ? [frame, kept[2]!] : [frame]
      })
      cases.attempt(what, await honestly(ground, between.port, ['a', 'b', 'c']), 'TRUNCATED')
    }
    await using other = await middle(ground.port, (way, index, frame) =>
      way === 'to server' && index === 3 ? [asked[3]!] : [frame],
    )
    cases.attempt('a record in another session of the same client', await honestly(ground, other.port, ['twice']), 'TRUNCATED')
    cases.attempt('stored all the same', String(await ground.storedSoon('once')), '1')

    await using echo = await trap((line) => line.write(...answered))
    cases.attempt('the server’s side again, to a new client', await honestly(ground, echo.port), 'NOT_AUTHENTIC')

    const [server, sender] = [plainKeys(), plainKeys()]
    const bytes = plainSend(server.publicKey, sender.privateKey, { urgent: 0, subject: 'pay', text: 'pay 100' })
    const twice = [1, 2].map(() => plainReceive(server.privateKey, sender.publicKey, bytes)?.text)
    cases.control('the plain design takes the same bytes twice', twice.join(', '), 'pay 100, pay 100')
    return cases
  },
}
