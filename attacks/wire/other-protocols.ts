import { random, utf8 } from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import { HANDSHAKE_SECONDS } from '../harness/ground.ts'
import { Silence, trap } from '../harness/line.ts'
import { honestly } from '../harness/proxy.ts'

const speaking: readonly [string, Uint8Array][] = [
  ['HTTP', utf8('GET / HTTP/1.1\r\nHost: example\r\n\r\n')],
  ['TLS', Buffer.from('16030100c5010000c10303', 'hex')],
  ['SSH', utf8('SSH-2.0-OpenSSH_9.2\r\n')],
  ['SMTP', utf8('EHLO example\r\n')],
  ['a swap of keys', utf8('CSKX\x01 and sixteen more.')],
  ['zeros', new Uint8Array(2000)],
  ['noise', random(100_000)],
  ['one byte', Uint8Array.of(1)],
  ['the header of a HELLO and noise', Buffer.concat([Uint8Array.of(1, 0, 5, 8), random(1288)])],
  ['nothing at all', new Uint8Array(0)],
]

export const attack: Attack = {
  title: 'Somebody who speaks another protocol',
  tries:
    'what web, TLS, shell and mail clients say, noise, and silence, said to the server: not one byte may come back before the deadline; and servers of other protocols for the client, one of them its own mirror.',
  plainDesignLoses:
    'its presence: a server that answers strangers is found by a scan, and every parser behind that answer is theirs to try.',
  async run(ground) {
    const cases = new Cases()
    await Promise.all(
      speaking.map(async ([what, bytes]) => {
        const line = await ground.dial()
        line.write(bytes)
        const early = await line.rest(HANDSHAKE_SECONDS * 500).then(
          () => 'ended early',
          (error) => (error instanceof Silence ? 'silence' : 'failed'),
        )
        await line.rest()
        cases.attempt(what, early === 'silence' ? `${line.received} bytes, at the deadline` : early, '0 bytes, at the deadline')
      }),
    )
    cases.control('a client who holds the public key is answered', await ground.knock(), 'accepted')

    const answers: readonly [string, string, (bytes: Uint8Array) => Uint8Array][] = [
      ['a web server', 'FRAME', () => utf8('HTTP/1.1 400 Bad Request\r\n\r\n')],
      ['TLS', 'FRAME', () => Uint8Array.of(0x15, 3, 3, 0, 2, 2, 40)],
      ['SSH', 'FRAME', () => utf8('SSH-2.0-OpenSSH_9.2\r\n')],
      ['a mirror', 'FRAME', (bytes) => bytes],
      ['noise behind the right header', 'NOT_AUTHENTIC', () => Buffer.concat([Uint8Array.of(2, 0, 0x14, 0x90), random(5264)])],
    ]
    for (const [what, code, answer] of answers) {
      await using other = await trap((line, socket) => {
        void line.frame().then(
          (frame) => socket.write(answer(frame)),
          () => {},
        )
      })
      cases.attempt(`a client meets ${what}`, await honestly(ground, other.port), code)
    }
    return cases
  },
}
