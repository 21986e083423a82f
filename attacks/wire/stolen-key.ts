import { connect } from '@countersign/core'
import { type Attack, Cases } from '../harness/attack.ts'
import { rogueServer } from '../harness/handshake.ts'
import { trap } from '../harness/line.ts'
import { honestly } from '../harness/proxy.ts'

export const attack: Attack = {
  title: 'Somebody steals one side’s key and plays the other side to it',
  tries:
    'with alice’s private key he plays the server to alice, and with the server’s he plays alice to the server (key compromise impersonation); with an RSA client’s too, whose key also opens the wrapped session key.',
  plainDesignLoses:
    'with RSA key transport whoever holds a side’s key reads all that is sent to it, and where one shared secret proves both sides, he is everybody to it.',
  async run(ground) {
    const cases = new Cases()
    for (const [name, stolen] of [
      ['alice', ground.alice],
      ['rita, RSA', ground.rita],
    ] as const) {
      await using server = await trap((line) => {
        void rogueServer(line, { identity: stolen, claims: ground.publicKey, client: stolen.publicKey }).catch(() => {})
      })
      cases.attempt(
        `the key of ${name}, the server played to it`,
        await honestly(ground, server.port, ['x'], { identity: stolen }),
        'WRONG_PEER',
      )
    }
    const serverKey = ground.identity
    for (const [name, { publicKey }] of [
      ['alice', ground.alice],
      ['rita', ground.rita],
    ] as const) {
      cases.attempt(
        `the server’s key, ${name} played to it`,
        await ground.knock({ identity: serverKey, claims: publicKey }),
        'status 1',
      )
    }
    cases.attempt('the server’s key, played to it as itself', await ground.knock({ identity: serverKey }), 'status 4')
    cases.control('alice’s stolen key does play alice', await ground.knock({ identity: ground.alice }), 'accepted')
    await using played = await trap((line) => {
      void rogueServer(line, { identity: serverKey, client: ground.alice.publicKey }).catch(() => {})
    })
    const options = { host: '127.0.0.1', port: played.port, identity: ground.alice, peer: ground.publicKey }
    await using session = await connect({ ...options, limits: { closeWithin: 100 } })
    cases.control('the server’s stolen key does play the server', session.peer.key.fingerprint, ground.publicKey.fingerprint)
    return cases
  },
}
