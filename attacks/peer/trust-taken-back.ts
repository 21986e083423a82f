import { identity } from '@countersign/core'
import { random } from '@countersign/core/protocol'
import type { Home } from '@countersign/testing'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Attack, Cases } from '../harness/attack.ts'
import { envelopeOf, wireOf } from '../harness/envelopes.ts'
import { endingOf, type Ground, type Session } from '../harness/ground.ts'
import { pause } from '../harness/process.ts'

/** As long as it takes a server to have gone through what changed, in ms; and far less than a handshake may take */
const A_WHILE = 500

interface Client {
  readonly home: Home
  readonly text: string
  takeBack(): void
}

/** Where a client stands when its trust is taken back, and how that ends for it. */
type Row = readonly [where: string, revoked: string, forgotten: string, act: (client: Client, ground: Ground) => Promise<string>]

const rows: readonly Row[] = [
  [
    'while its ACK is on the way',
    'status 2',
    'status 1',
    async ({ home, takeBack }, ground) => {
      const twist = (name: string, value: Uint8Array): Uint8Array => {
        if (name === 'ack') takeBack()
        return value
      }
      return await ground.enter({ identity: identity(home.key), twist }).then(() => 'accepted', endingOf)
    },
  ],
  [
    'while it waits with its first record',
    'CLOSE 7',
    'CLOSE 1',
    async (client, ground) => {
      const entered = await ground.enter({ identity: identity(client.home.key) })
      client.takeBack()
      await pause(A_WHILE)
      await say(entered, client, ground)
      return await entered.session.fate()
    },
  ],
  [
    'at the very time of its first record',
    'CLOSE 7',
    'CLOSE 1',
    async ({ home, takeBack }, ground) => {
      const { session } = await ground.enter({ identity: identity(home.key) })
      takeBack()
      session.send('PING', random(8))
      return await session.fate()
    },
  ],
  [
    'in a session that is open',
    'CLOSE 7',
    'CLOSE 1',
    async (client, ground) => {
      const entered = await ground.begin({ identity: identity(client.home.key) })
      await entered.session.until('PONG')
      client.takeBack()
      await pause(A_WHILE)
      await say(entered, client, ground)
      return await entered.session.fate()
    },
  ],
]

async function say({ session, outbox }: Session, { home, text }: Client, ground: Ground): Promise<void> {
  const place = { from: identity(home.key), to: ground.publicKey, outbox }
  session.envelope(await wireOf(await envelopeOf(place, 1, text)))
}

export const attack: Attack = {
  title: 'A client whose trust is taken back stays in the door',
  tries:
    'a right key that is revoked, or forgotten, while its ACK is on the way, while it holds back its first record, with that record, and in an open session; each then sends a message.',
  plainDesignLoses: 'revocation itself: who was let in before stays for as long as it likes.',
  async run(ground) {
    const cases = new Cases()
    const { sandbox } = ground
    const client = (name: string): Client => {
      const home = sandbox.home('client', name)
      sandbox.trust(ground.home, home)
      const forget = (): void => rmSync(join(ground.home.folder, 'peers', `${name}.pem`))
      const revoke = (): void => sandbox.revoke(ground.home, home)
      return { home, text: `of ${name}`, takeBack: name.startsWith('revoked') ? revoke : forget }
    }
    const clients = rows.flatMap((row, i) =>
      Array.from(
        { length: ground.full ? 50 : 2 },
        (_, n) => [row, client(`revoked-${i}-${n}`), client(`forgotten-${i}-${n}`)] as const,
      ),
    )
    const parked = client('parked')
    // They are let in once the server has seen them.
    await pause(A_WHILE)
    await Promise.all(
      clients.map(async ([[where, ifRevoked, ifForgotten, act], revoked, forgotten]) => {
        cases.attempt(`revoked ${where}`, await act(revoked, ground), ifRevoked)
        cases.attempt(`forgotten ${where}`, await act(forgotten, ground), ifForgotten)
      }),
    )
    const texts = clients.flatMap(([, ...both]) => both.map(({ text }) => text))
    cases.attempt('messages of theirs that were stored', String(texts.reduce((sum, text) => sum + ground.stored(text), 0)), '0')
    const entered = await ground.enter({ identity: identity(parked.home.key) })
    await pause(A_WHILE)
    await say(entered, parked, ground)
    entered.session.close()
    cases.control(
      'who waits as long and is trusted has its message stored',
      `${await entered.session.fate()}, ${await ground.storedSoon(parked.text)}`,
      'CLOSE 0, 1',
    )
    return cases
  },
}
