import type { Established } from '@countersign/core/protocol'
import { composeEnvelope, composeItem, RecordOpener, Sealer } from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import { flipped } from '../harness/handshake.ts'
import { wireOf } from '../harness/envelopes.ts'
import { framesOf, type Pair, pair } from '../harness/memory.ts'
import { plainKeys, plainReceive, plainSend } from '../harness/plain.ts'
import { honestly, middle, type Way } from '../harness/proxy.ts'

/** Which bits of a frame are tried: all, or one of every fourth byte, another one each time. */
function* bitsOf(frame: Uint8Array, all: boolean): Generator<number> {
  if (all) for (let bit = 0; bit < frame.length * 8; bit++) yield bit
  else for (let byte = 0; byte < frame.length; byte += 4) yield byte * 8 + (((byte >> 2) * 5) & 7)
}

/** A header that announces more than comes leaves the reader waiting; nothing was accepted. */
const REFUSED = ['HELLO_REJECTED', 'NOT_AUTHENTIC', 'FRAME']

function handshakes(cases: Cases, made: Pair, frames: readonly Uint8Array[], all: boolean): void {
  const tries = [
    { name: 'HELLO', to: made.server, before: [], index: 0, says: 0 },
    { name: 'HELLO+ACK', to: made.client, before: [], index: 1, says: 1 },
    { name: 'ACK', to: made.server, before: [0], index: 2, says: 1 },
    { name: 'SESSION-KEY', to: made.client, before: [1], index: 3, says: 2 },
  ]
  for (const { name, to, before, index, says } of tries) {
    const prepared = (): ReturnType<typeof to> => before.reduce((side, i) => side.feed(frames[i]!), to())
    for (const bit of bitsOf(frames[index]!, all)) {
      const side = prepared().feed(flipped(frames[index]!, bit))
      cases.attempt(`bit ${bit} of ${name}`, side.state, ...REFUSED)
      // Whoever is not answered learns nothing: not a byte goes out because of a frame that was changed.
      if (side.sent.length !== says) cases.fault(`bit ${bit} of ${name} was answered`)
      side.end()
    }
    const control = prepared().feed(frames[index]!)
    const answered = control.state === 'done' || control.sent.length > says
    cases.control(`${name} as it was is taken`, String(answered), 'true')
  }
}

async function records(
  cases: Cases,
  made: Pair,
  { client, server }: { client: Established; server: Established },
): Promise<void> {
  const place = { to: made.bob.publicKey.id, outbox: server.peerOutbox, first: 1, sentAt: Date.now() }
  const envelope = await composeEnvelope(made.alice, place, [await composeItem('an honest message')])
  const record = Buffer.concat(new Sealer(Uint8Array.from(client.secrets.client)).record(2, [await wireOf(envelope)]))
  const opened = (bytes: Uint8Array): string => {
    try {
      const opener = new RecordOpener(Uint8Array.from(server.secrets.client))
      return opener.take(bytes).record === undefined ? 'waits' : 'opened'
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  for (const bit of bitsOf(record, true))
    cases.attempt(`bit ${bit} of a record`, opened(flipped(record, bit)), ...REFUSED, 'waits')
  cases.control('the record as it was opens', opened(record), 'opened')
}

/** What comes of the same flips where nobody checks the tag. */
function plain(cases: Cases): void {
  const [server, sender] = [plainKeys(), plainKeys()]
  const said = { urgent: 0, subject: 'pay 100 to Bob', text: 'as agreed' }
  const bytes = plainSend(server.publicKey, sender.privateKey, said)
  let believed = 0
  const start = 4 + 256 + 4 + 12 + 4
  for (let bit = start * 8; bit < (start + 40) * 8; bit++) {
    const got = plainReceive(server.privateKey, sender.publicKey, flipped(bytes, bit))
    if (got !== undefined && JSON.stringify(got) !== JSON.stringify(said)) believed += 1
  }
  cases.control(`the plain design believes ${believed} of the 320 flips in its ciphertext`, String(believed > 50), 'true')
}

export const attack: Attack = {
  title: 'Somebody on the wire flips a bit',
  tries:
    'each bit of the four handshake frames and of a record, in memory (one bit of every fourth byte in the bounded form); and over sockets a sample in each frame of a live session, both ways.',
  plainDesignLoses:
    'whatever its signature does not cover: AES without the tag checked lets an attacker change text at will, bit by bit.',
  alone: true,
  async run(ground) {
    const cases = new Cases()
    const made = pair()
    const { frames, ...sides } = framesOf(made)
    handshakes(cases, made, frames, ground.full)
    await records(cases, made, sides)
    plain(cases)
    cases.note(`${cases.count} of them in memory`)

    const ways: readonly Way[] = ['to server', 'to client']
    const places = ways.flatMap((way) => [0, 1, 2, 3].map((index) => ({ way, index })))
    const bits = ground.full ? [1, 9, 31, 32, 77, -1, -130, -700] : [31, -1]
    const flips = places.flatMap(({ way, index }) => bits.map((bit) => ({ way, index, bit })))
    for (let i = 0; i < flips.length; i += 16) {
      const some = flips.slice(i, i + 16).map(async ({ way, index, bit }) => {
        await using between = await middle(ground.port, (on, at, frame) => [
          on === way && at === index ? flipped(frame, bit) : frame,
        ])
        const ended = await honestly(ground, between.port, ['one', 'two'], { handshakeWithin: 6_000 })
        return [`bit ${bit} of frame ${index} ${way}`, ended] as const
      })
      for (const [what, ended] of await Promise.all(some)) {
        cases.attempt(what, ended, 'no answer', 'TRUNCATED', 'FRAME', 'NOT_AUTHENTIC', 'IDLE')
      }
    }
    await using between = await middle(ground.port)
    cases.control(
      'the same proxy, changing nothing, lets a message and its receipt through',
      await honestly(ground, between.port),
      'receipt',
    )
    return cases
  },
}
