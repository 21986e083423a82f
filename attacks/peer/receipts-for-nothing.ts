import { CHAIN_START, encode, random, receiptPayload } from '@countersign/core/protocol'
import { connect, memoryJournal } from '@countersign/core'
import { type Attack, Cases } from '../harness/attack.ts'
import { envelopeOf, receiptFor, wireOf } from '../harness/envelopes.ts'
import { rogueServer } from '../harness/handshake.ts'
import { trap } from '../harness/line.ts'
import { RogueSession } from '../harness/session.ts'

export const attack: Attack = {
  title: 'A peer signs receipts for what was never sent, and sends what was not asked for',
  tries:
    'receipts to a server that has sent nothing, for its own message and for somebody else’s, thousands of them; a receipt to a client that has sent nothing; a message to a client that takes none.',
  plainDesignLoses:
    'its books: an acknowledgement is matched with whatever is open, or kept for something that is still to come.',
  async run(ground) {
    const cases = new Cases()
    const entered = await ground.begin()
    const own = await envelopeOf(ground.placeOf(entered), 1, 'mine')
    const nothing = await receiptFor(own.message, ground.mallory, { journal: random(16), before: CHAIN_START })
    const payload = encode(receiptPayload, nothing.receipt)
    for (let i = 0; i < 2_000; i++) entered.session.send('RECEIPT', payload)
    cases.attempt('receipts for nothing, two thousand', await entered.session.fate(), 'CLOSE 4')
    entered.session.line.destroy()
    const noise = await ground.begin()
    noise.session.send('RECEIPT', random(500))
    cases.attempt('noise for a receipt', await noise.session.fate(), 'CLOSE 4')
    noise.session.line.destroy()

    for (const what of ['receipt', 'message', 'message, to a client that takes some'] as const) {
      const takes = what.endsWith('some')
      const fate = Promise.withResolvers<string>()
      await using server = await trap((line) => {
        const serving = async (): Promise<void> => {
          const outbox = random(16)
          const agreed = await rogueServer(line, { identity: ground.identity, client: ground.alice.publicKey, outbox })
          const session = new RogueSession(line, 'server', agreed)
          const envelope = await envelopeOf({ from: ground.identity, to: ground.alice.publicKey, outbox }, 1, 'unasked')
          if (what === 'receipt') session.send('RECEIPT', payload)
          else session.envelope(await wireOf(envelope))
          fate.resolve(takes ? String((await session.receipt()) !== undefined) : await session.fate())
          session.close()
        }
        serving().catch((error: unknown) => fate.reject(error))
      })
      const options = { host: '127.0.0.1', port: server.port, identity: ground.alice, peer: ground.publicKey }
      const client = await connect({ ...options, limits: { closeWithin: 500 }, ...(takes && { journal: memoryJournal() }) })
      const ended = await fate.promise
      if (takes) cases.control('the same message to a client that takes messages is receipted', ended, 'true')
      else cases.attempt(`an unasked ${what}`, ended, 'CLOSE 4')
      await client.closed
    }
    return cases
  },
}
