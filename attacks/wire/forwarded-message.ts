import { connect, isError, type Receipt } from '@countersign/core'
import { composeEnvelope, composeItem } from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import { wireOf } from '../harness/envelopes.ts'
import { rogueServer } from '../harness/handshake.ts'
import { trap } from '../harness/line.ts'
import { plainKeys, plainReceive, plainSend, resignedPlain } from '../harness/plain.ts'
import { RogueSession } from '../harness/session.ts'

export const attack: Attack = {
  title: 'A server forwards a client’s signed message to another server',
  tries:
    'Alice sends mallory’s server a message. He has her envelope with her valid signature, and brings it to the real server: in a session of his own, with his own signature in its place, with his own outbox named as hers was; and he asks the real server to sign for what it never got.',
  plainDesignLoses:
    'whom it was said to: the signature holds at every server, and anybody can put his own beside a text that he has read.',
  async run(ground) {
    const cases = new Cases()
    const caught = Promise.withResolvers<Uint8Array>()
    const outbox = Promise.withResolvers<Uint8Array>()
    await using server = await trap((line) => {
      const catching = async (): Promise<void> => {
        const agreed = await rogueServer(line, { identity: ground.mallory, client: ground.alice.publicKey })
        outbox.resolve(agreed.peer.outbox)
        caught.resolve((await new RogueSession(line, 'server', agreed).until('MESSAGE-END'))!)
        line.destroy()
      }
      void catching()
    })
    const alice = await connect({ host: '127.0.0.1', port: server.port, identity: ground.alice, peer: ground.mallory.publicKey })
    const sent = alice.send('I owe you 100').then(
      (receipt: Receipt) => receipt.outcome,
      (error) => (isError(error, 'TRUNCATED') ? 'TRUNCATED' : String(error)),
    )
    const envelope = await caught.promise
    cases.attempt('alice, whose message was taken and not answered', await sent, 'TRUNCATED')

    for (const [what, options] of [
      ['alice’s envelope in mallory’s session', {}],
      ['the same, at an outbox of the same id', { outbox: await outbox.promise }],
    ] as const) {
      const { session } = await ground.enter(options)
      session.envelope(envelope)
      cases.attempt(what, await session.fate(), 'CLOSE 4')
    }
    cases.attempt('stored from alice', String(ground.stored('I owe you 100')), '0')

    // With his own name and signature it is his own word, and says so.
    const own = await ground.enter()
    const numbers = { to: ground.publicKey.id, outbox: own.outbox, first: 1, sentAt: Date.now() }
    own.session.send('PING', new Uint8Array(8))
    own.session.envelope(await wireOf(await composeEnvelope(ground.mallory, numbers, [await composeItem('I owe you 100')])))
    cases.control(
      'mallory’s own envelope of the same text is taken, as mallory’s',
      String((await own.session.receipt()) !== undefined),
      'true',
    )
    own.session.close()

    const [first, second, alicesKeys] = [plainKeys(), plainKeys(), plainKeys()]
    const plain = plainSend(second.publicKey, alicesKeys.privateKey, { urgent: 0, subject: '', text: 'I owe you 100' })
    const read = plainReceive(second.privateKey, alicesKeys.publicKey, plain)!
    const again = plainSend(first.publicKey, second.privateKey, read)
    const stolen = resignedPlain(plain, read.text, first.privateKey)
    cases.control(
      'the plain design’s text passes as whoever signs it last',
      String(plainReceive(first.privateKey, second.publicKey, again)?.text),
      'I owe you 100',
    )
    cases.control(
      'and another signature fits beside the same ciphertext',
      String(plainReceive(second.privateKey, first.publicKey, stolen)?.text),
      'I owe you 100',
    )
    return cases
  },
}
