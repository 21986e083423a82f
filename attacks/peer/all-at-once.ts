import { type Identity, isError } from '@countersign/core'
import { concat, decode, encode, OUTCOME, random, receiptStatement, u64 } from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import { envelopeOf, shortForm } from '../harness/envelopes.ts'
import { Ground, type Session } from '../harness/ground.ts'
import { Ended, Silence } from '../harness/line.ts'
import { pause } from '../harness/process.ts'

const GIB = 2 ** 30
/** Not so long that it is kept in part, and all that its sender may have there */
const MOST = 1_000_000

/** Sessions of one key, each at an outbox of its own. */
function sessionsOf(ground: Ground, identity: Identity, count: number): Promise<Session[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const entered = await ground.begin({ identity })
      await entered.session.until('PONG')
      return entered
    }),
  )
}

/**
 * Announces a message of this length in each of the sessions, at the same moment, and sends nothing of it.
 *
 * @returns those that were not refused
 */
async function announce(ground: Ground, from: Identity, sessions: readonly Session[], length: number): Promise<Session[]> {
  const heads = await Promise.all(
    sessions.map(async ({ session, outbox }) => {
      const envelope = await envelopeOf({ from, to: ground.publicKey, outbox }, 1, 'x')
      return session.sealed('MESSAGE', concat(shortForm(envelope), encode(u64, 0), encode(u64, length)))
    }),
  )
  const refused = new Set<Session>()
  for (const [i, entered] of sessions.entries()) {
    entered.session.line.write(heads[i]!)
    entered.session.receipt().then((receipt) => {
      if (receipt && decode(receiptStatement, receipt.statement).outcome === OUTCOME.refused) refused.add(entered)
    }, ignore)
  }
  for (let i = 0; i < 60 && refused.size < sessions.length - 1; i++) await pause(50)
  return sessions.filter((session) => !refused.has(session))
}

function ignore(error: unknown): void {
  if (!(error instanceof Silence || error instanceof Ended)) throw error
}

/** Whether an honest session of this key has a message of this length stored, once what others have left is over. */
async function storedSoon(ground: Ground, by: Identity, length: number): Promise<string> {
  for (let i = 0; i < 60; i++) {
    await using session = await ground.honest(by)
    const { outcome } = await session.send(random(length)).catch((error: unknown) => {
      if (isError(error, 'MESSAGE_REFUSED')) return { outcome: 'refused' }
      throw error
    })
    if (outcome === 'stored') return outcome
    await pause(50)
  }
  return 'refused'
}

export const attack: Attack = {
  title: 'An enrolled client comes with many sessions at once, each with all that it may have',
  tries:
    'one key, many outboxes: each session announces as much as the policy allows the client in all, at the same moment, before any of it is stored; then they all die.',
  plainDesignLoses: 'its disk: a quota that is asked for and booked apart holds for one session at a time.',
  alone: true,
  async run({ full }) {
    const cases = new Cases()
    const count = full ? 200 : 40
    await using ground = await Ground.open({
      policy: { peers: { mallory: { mostBytes: '1500M', mostPartials: 1 }, rita: { mostBytes: MOST } } },
    })
    for (const [who, from, length] of [
      ['long', ground.mallory, GIB],
      ['short', ground.rita, MOST],
    ] as const) {
      const sessions = await sessionsOf(ground, from, count)
      const taken = await announce(ground, from, sessions, length)
      cases.attempt(`${who} messages that were let through`, String(taken.length), '1')
      for (const { session } of sessions) session.line.destroy()
    }
    cases.attempt(
      'what a client may have, once the sessions with it have died',
      await storedSoon(ground, ground.rita, MOST - 100),
      'stored',
    )
    cases.control('an honest client has its message stored', (await ground.stillServes()).outcome, 'stored')
    return cases
  },
}
