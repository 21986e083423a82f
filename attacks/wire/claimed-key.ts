import { type Attack, Cases } from '../harness/attack.ts'
import { rogueServer } from '../harness/handshake.ts'
import { trap } from '../harness/line.ts'
import { honestly } from '../harness/proxy.ts'

export const attack: Attack = {
  title: 'Somebody claims another’s key',
  tries:
    'a client with a valid key of its own names the keyId of another client, of a revoked one, of the server itself; a stranger does the same; and servers claim the key that a client has pinned.',
  plainDesignLoses: 'the account: a name that is sent beside the proof instead of under it is whatever one likes.',
  async run(ground) {
    const cases = new Cases()
    const claims = { alice: ground.alice, rita: ground.rita, revoked: ground.revoked }
    for (const by of [ground.mallory, ground.stranger]) {
      for (const [name, { publicKey }] of Object.entries(claims)) {
        cases.attempt(`as ${name}`, await ground.knock({ identity: by, claims: publicKey }), 'status 1')
      }
      cases.attempt('as the server itself', await ground.knock({ identity: by, claims: ground.publicKey }), 'status 1')
    }
    for (const by of [ground.mallory, ground.stranger]) {
      await using server = await trap((line) => {
        void rogueServer(line, { identity: by, claims: ground.publicKey, client: ground.alice.publicKey }).catch(() => {})
      })
      cases.attempt('a server that claims the pinned key', await honestly(ground, server.port), 'WRONG_PEER')
      await using open = await trap((line) => {
        void rogueServer(line, { identity: by, client: ground.alice.publicKey }).catch(() => {})
      })
      cases.attempt('a server that says openly that it is another', await honestly(ground, open.port), 'WRONG_PEER')
    }
    cases.control('under its own keyId the same client is accepted', await ground.knock(), 'accepted')
    cases.control(
      'and a revoked one, who proves its key, is told so',
      await ground.knock({ identity: ground.revoked }),
      'status 2',
    )
    return cases
  },
}
