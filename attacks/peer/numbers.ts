import {
  concat,
  decode,
  encode,
  equal,
  hex,
  MESSAGE_TYPE,
  type OutgoingEnvelope,
  pae,
  receiptStatement,
  type ReceiptStatement,
  RECEIPT_TYPE,
  sha256,
  u64OrMark,
  verify,
  WITHDRAWN_MARK,
} from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import { envelopeOf, shortForm, wireOf } from '../harness/envelopes.ts'
import type { Ground, Session } from '../harness/ground.ts'

function made(entered: Session, ground: Ground, first: number, ...texts: string[]): Promise<OutgoingEnvelope> {
  return envelopeOf(ground.placeOf(entered), first, ...texts)
}

async function answer({ session }: Session): Promise<ReceiptStatement | undefined> {
  const receipt = await session.receipt()
  return receipt && decode(receiptStatement, receipt.statement)
}

export const attack: Attack = {
  title: 'An enrolled client equivocates',
  tries:
    'two messages signed under one number, overlapping envelopes, conflicts without end, gaps, the same envelope again in this session and the next, a withdrawal of what is stored, and the outbox id of somebody else.',
  plainDesignLoses:
    'which of two it was: both carry a valid signature, and nothing says which came first, or that there were two.',
  async run(ground) {
    const cases = new Cases()
    const entered = await ground.begin()
    const { session, outbox } = entered
    const one = await made(entered, ground, 1, 'the first word')
    session.envelope(await wireOf(one))
    const stored = await answer(entered)
    cases.control('the first message under number 1 is stored', String(stored!.outcome <= 2), 'true')

    const other = await made(entered, ground, 1, 'another word')
    session.envelope(await wireOf(other))
    const conflict = await answer(entered)
    cases.attempt('another message under number 1', `outcome ${conflict!.outcome}`, 'outcome 4')
    const proof = session.receipts[1]!
    const proved =
      verify(ground.publicKey, pae(RECEIPT_TYPE, proof.statement), proof.signature) &&
      equal(conflict!.digest, sha256(pae(MESSAGE_TYPE, other.message.statement)))
    cases.attempt('the server’s signed word on which one came second', String(proved), 'true')
    session.envelope(await wireOf(other))
    await answer(entered)
    cases.attempt(
      'the same conflict again, answered byte for byte',
      String(hex(session.receipts[2]!.signature) === hex(proof.signature)),
      'true',
    )
    session.envelope(await wireOf(one))
    await answer(entered)
    cases.attempt(
      'the first message again, answered byte for byte',
      String(hex(session.receipts[3]!.signature) === hex(session.receipts[0]!.signature)),
      'true',
    )
    session.envelope(await wireOf(await made(entered, ground, 1, 'a', 'b', 'c')))
    cases.attempt('three messages that begin at a taken number', `outcome ${(await answer(entered))!.outcome}`, 'outcome 4')
    session.envelope(concat(shortForm(one), encode(u64OrMark, WITHDRAWN_MARK)))
    cases.attempt(
      'a withdrawal of what is stored, answered with its receipt',
      `outcome ${(await answer(entered))!.outcome}`,
      `outcome ${stored!.outcome}`,
    )

    let answered = 0
    for (let i = 0; i < 40; i++) session.envelope(await wireOf(await made(entered, ground, 1, `conflict ${i}`)))
    while ((await answer(entered)) !== undefined) answered += 1
    cases.attempt('forty conflicts more: the signed answers', String(answered), '14')
    session.line.destroy()

    const again = await ground.begin({ outbox })
    cases.attempt('the number that the next session is told', String(again.position.next), '2')
    again.session.envelope(shortForm(one))
    await answer(again)
    cases.attempt(
      'the first message in the next session, answered byte for byte',
      String(hex(again.session.receipts[0]!.signature) === hex(session.receipts[0]!.signature)),
      'true',
    )
    again.session.envelope(await wireOf(await made(again, ground, 4, 'a gap')))
    cases.attempt('a gap', await again.session.fate(), 'CLOSE 5')
    again.session.line.destroy()
    cases.attempt(
      'messages delivered: the first, and no other',
      [await ground.storedSoon('the first word'), ground.stored('another word'), ground.stored('a gap')].join(),
      '1,0,0',
    )

    // Alice's outbox id is no secret to the server's other clients, should they learn it. It is no use to them.
    await using alice = await ground.honest()
    await alice.send('alice 1')
    await ground.server.until(/alice 1/)
    const her = ground.server.stdout.split('\n').findLast((line) => line.includes('alice 1'))!
    const theft = await ground.enter({ outbox: Buffer.from((JSON.parse(her) as { outbox: string }).outbox, 'hex') })
    cases.attempt('the place that mallory gets under alice’s outbox id', String(theft.position.next), '1')
    cases.attempt('mallory’s session under alice’s outbox id', await theft.session.alive(), 'alive')
    cases.attempt(
      'alice’s own session meanwhile',
      (await alice.send('alice 2')).number === 2 ? 'goes on' : 'is disturbed',
      'goes on',
    )
    theft.session.close()

    const older = await ground.enter()
    await older.session.alive()
    const newer = await ground.enter({ outbox: older.outbox })
    await newer.session.alive()
    cases.attempt('two sessions of one outbox: the older one', await older.session.fate(), 'CLOSE 3')
    cases.attempt('two sessions of one outbox: the newer one', await newer.session.alive(), 'alive')
    newer.session.close()
    return cases
  },
}
