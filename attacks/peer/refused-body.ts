import { listen, memoryJournal } from '@countersign/core'
import {
  composeEnvelope,
  composeItem,
  concat,
  decode,
  encode,
  random,
  receiptStatement,
  sha256,
  u64,
} from '@countersign/core/protocol'
import { once } from 'node:events'
import { type Attack, Cases } from '../harness/attack.ts'
import { envelopeOf, shortForm, wireOf } from '../harness/envelopes.ts'
import { rogueClient } from '../harness/handshake.ts'
import { dial } from '../harness/line.ts'
import { RogueSession } from '../harness/session.ts'

const LONG = 2 ** 40
const TAKEN = 1024 * 1024

export const attack: Attack = {
  title: 'An enrolled client whose refused message keeps coming',
  tries:
    'an item of a tebibyte, refused by its length, whose bytes come all the same, and more bytes than it said; and a thousand refused messages in a row. The server here takes no more than a mebibyte.',
  plainDesignLoses: 'memory or disk: what will be refused is read to its end first.',
  alone: true,
  async run(ground) {
    const cases = new Cases()
    const options = { host: '127.0.0.1', identity: ground.identity, peers: [ground.mallory.publicKey] }
    await using server = await listen({ ...options, journal: memoryJournal(), maxItem: TAKEN })
    const enter = async (): Promise<{ session: RogueSession; outbox: Uint8Array }> => {
      const line = await dial(server.port)
      const outbox = random(16)
      const session = new RogueSession(
        line,
        'client',
        await rogueClient(line, { identity: ground.mallory, server: ground.publicKey, outbox }),
      )
      session.send('PING', random(8))
      return { session, outbox }
    }
    const outcome = async (session: RogueSession): Promise<string> => {
      const receipt = await session.receipt()
      return receipt === undefined ? 'none' : `outcome ${decode(receiptStatement, receipt.statement).outcome}`
    }
    const statement = async (outbox: Uint8Array): Promise<Uint8Array> => {
      const item = { leaf: sha256(outbox), length: LONG, bytes: outbox }
      const made = await composeEnvelope(ground.mallory, { to: ground.publicKey.id, outbox, first: 1, sentAt: 0 }, [item])
      return concat(shortForm(made), encode(u64, 0), encode(u64, LONG))
    }

    const one = await enter()
    one.session.send('MESSAGE', await statement(one.outbox))
    cases.attempt('a tebibyte, announced', await outcome(one.session), 'outcome 3')
    const before = process.memoryUsage().rss
    const noise = random(65_536)
    const mebibytes = ground.full ? 512 : 64
    for (let i = 0; i < mebibytes * 16; i++) {
      if (!one.session.line.stream.write(one.session.sealed('MESSAGE', noise))) await once(one.session.line.stream, 'drain')
    }
    one.session.send('MESSAGE-END')
    const { stream } = one.session.line
    const place = { from: ground.mallory, to: ground.publicKey, outbox: one.outbox }
    one.session.envelope(await wireOf(await envelopeOf(place, 2, 'the next one')))
    cases.attempt('what comes behind it', await outcome(one.session), 'outcome 2')
    const added = (process.memoryUsage().rss - before) / 2 ** 20
    // Attacker and server are one process here: what both hold together is within these bounds.
    cases.attempt(
      `${mebibytes} MiB of the refused item`,
      added < 96 ? 'within bounds' : `${added.toFixed(0)} MiB held`,
      'within bounds',
    )
    stream.destroy()

    const two = await enter()
    const small = await composeItem(random(TAKEN))
    const numbers = { to: ground.publicKey.id, outbox: two.outbox, first: 1, sentAt: 0 }
    const bytes = await wireOf(await composeEnvelope(ground.mallory, numbers, [small]))
    two.session.envelope(concat(bytes, random(100_000)))
    cases.attempt('more bytes than it said', await two.session.fate(), 'CLOSE 4')

    const three = await enter()
    let refused = 0
    const many = ground.full ? 1000 : 200
    for (let i = 1; i <= many; i++) {
      const item = { leaf: random(32), length: TAKEN + 1, bytes: random(1) }
      const made = await composeEnvelope(ground.mallory, { ...numbers, outbox: three.outbox, first: i }, [item])
      three.session.envelope(concat(shortForm(made), encode(u64, 0), encode(u64, TAKEN + 1)))
      if ((await outcome(three.session)) === 'outcome 3') refused += 1
    }
    cases.attempt(`${many} refused ones in a row, each answered`, String(refused), String(many))
    const four = await enter()
    four.session.envelope(await wireOf(await envelopeOf({ ...place, outbox: four.outbox }, 1, 'short')))
    cases.control('what is short enough is taken', await outcome(four.session), 'outcome 2')
    return cases
  },
}
