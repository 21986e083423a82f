import { connect } from '@countersign/core'
import { type Attack, Cases } from '../harness/attack.ts'
import type { Ground } from '../harness/ground.ts'
import { endingOf } from '../harness/ground.ts'
import { at, gateOf, rogueClient, rogueServer, type Twist } from '../harness/handshake.ts'
import { dial, type Line, type Trap, trap } from '../harness/line.ts'
import { honestly, middle } from '../harness/proxy.ts'

/** Mallory's own server, which alice trusts as mallory's; he is enrolled at the real one too. */
async function mallorysServer(onLine: (line: Line) => Promise<unknown>): Promise<Trap & { readonly ended: string[] }> {
  const ended: string[] = []
  const listening = await trap((line) => {
    void onLine(line).then(
      () => ended.push('accepted'),
      (error: unknown) => ended.push(endingOf(error)),
    )
  })
  return { ...listening, ended, [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose]() }
}

/** Passes alice's HELLO on to the real server, with a gate that holds there, and the rest as it is. */
async function relayed(ground: Ground): Promise<string> {
  await using between = await middle(ground.port, (way, index, frame) => {
    if (way !== 'to server' || index !== 0) return [frame]
    const passed = Uint8Array.from(frame)
    passed.set(gateOf(ground.publicKey.id, passed.subarray(0, -32)), passed.length - 32)
    return [passed]
  })
  return await honestly(ground, between.port, ['for mallory'], { peer: ground.mallory.publicKey, handshakeWithin: 6_000 })
}

export const attack: Attack = {
  title: 'A man in the middle with a trusted identity of his own (misbinding)',
  tries:
    'Mallory is trusted by the client as a server and by the server as a client. He passes on what each says to him, as his own or as theirs: the client’s HELLO, its signature and MAC, the server’s answer, its signature, its wrapped session key.',
  plainDesignLoses:
    'who speaks with whom: each side’s valid signature is shown to the other, and both agree on keys with a wrong idea of the peer.',
  async run(ground) {
    const cases = new Cases()
    cases.attempt('alice calls mallory, and he connects her to the server', await relayed(ground), 'NOT_AUTHENTIC', 'WRONG_PEER')

    // What alice proves to mallory, he shows to the server as hers.
    for (const names of [['signature'], ['signature', 'mac'], ['payload', 'signature', 'mac'], ['plain']]) {
      let shown = new Map<string, Uint8Array>()
      await using server = await mallorysServer(async (line) => {
        const agreed = await rogueServer(line, { identity: ground.mallory, client: ground.alice.publicKey })
        shown = agreed.proof
        line.destroy()
      })
      await honestly(ground, server.port, ['for mallory'], { peer: ground.mallory.publicKey, handshakeWithin: 2_000 })
      const twist: Twist = (name, value) => (names.includes(name) ? shown.get(name)! : value)
      const ended = await ground.knock({ claims: ground.alice.publicKey, twist })
      cases.attempt(`alice’s ${names.join(', ')}, shown to the server`, ended, 'status 1')
      cases.control(`mallory holds alice’s ${names.join(', ')}`, String(names.every((name) => shown.has(name))), 'true')
    }

    // What the server proves to mallory, he shows to alice as the server’s.
    for (const names of [['signature'], ['signature', 'mac'], ['payload', 'signature', 'mac'], ['plain']]) {
      await using server = await mallorysServer(async (line) => {
        const other = await dial(ground.port)
        const { proof } = await rogueClient(other, { identity: ground.mallory, server: ground.publicKey })
        other.destroy()
        const twist: Twist = (name, value) => (names.includes(name) ? proof.get(name)! : value)
        await rogueServer(line, { identity: ground.mallory, claims: ground.publicKey, client: ground.alice.publicKey, twist })
        line.destroy()
      })
      cases.attempt(
        `the server’s ${names.join(', ')}, shown to alice`,
        await honestly(ground, server.port),
        'WRONG_PEER',
        'NOT_AUTHENTIC',
      )
    }

    // One key in both roles: what it signs as a client is no server's word.
    await using both = await mallorysServer((line) => {
      const twist = at('context', () => Buffer.from(`${' '.repeat(64)}countersign/1 client handshake\0`))
      return rogueServer(line, { identity: ground.mallory, client: ground.alice.publicKey, twist })
    })
    cases.attempt(
      'a client’s signature as a server’s',
      await honestly(ground, both.port, ['x'], { peer: ground.mallory.publicKey }),
      'WRONG_PEER',
    )
    await using own = await mallorysServer((line) =>
      rogueServer(line, { identity: ground.mallory, client: ground.alice.publicKey }),
    )
    const options = { host: '127.0.0.1', port: own.port, identity: ground.alice, peer: ground.mallory.publicKey }
    await using session = await connect({ ...options, limits: { closeWithin: 100 } })
    cases.control('mallory as himself is accepted by alice', session.peer.key.fingerprint, ground.mallory.publicKey.fingerprint)
    cases.control('mallory as himself is accepted by the server', await ground.knock(), 'accepted')
    return cases
  },
}
