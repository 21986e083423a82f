import { connect, type Identity } from '@countersign/core'
import { hello, decode, helloAck, type KemKeyPair, random, systemEntropy, xwing } from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import type { Ground } from '../harness/ground.ts'
import { plainKeys, plainReceive, plainSend } from '../harness/plain.ts'
import { middle } from '../harness/proxy.ts'
import { openRecording, type Recording } from '../harness/recording.ts'

interface Recorded {
  readonly recording: Recording
  /** What was secret on the client's side while the session lasted, and was forgotten with it. */
  readonly ephemeral: KemKeyPair
}

async function record(ground: Ground, by: Identity): Promise<Recorded> {
  await using between = await middle(ground.port)
  let ephemeral: KemKeyPair | undefined
  const kem = { ...xwing, generate: () => (ephemeral = xwing.generate()) }
  const options = { host: '127.0.0.1', port: between.port, identity: by, peer: ground.publicKey }
  const session = await connect({ ...options, entropy: { ...systemEntropy, kem } })
  await session.send('the secret')
  await session.close()
  const of = (way: string): Uint8Array[] => between.heard.filter((said) => said.way === way).map(({ frame }) => frame)
  const [[first, ack, ...records], [answer, last]] = [of('to server'), of('to client')]
  return {
    recording: { hello: first!, helloAck: answer!, ack: ack!, sessionKey: last!, records },
    ephemeral: ephemeral!,
  }
}

export const attack: Attack = {
  title: 'Somebody records a session, and steals both identity keys later',
  tries:
    'a session of an Ed25519 and one of an RSA client recorded, and both identity keys of each given to the recorder: he tries the keys themselves, their hashes, the values on the wire, zeros, and secrets agreed with ephemeral keys of his own in the place of the X-Wing secret.',
  plainDesignLoses: 'everything that was ever recorded: the RSA key that is stolen today opens the session keys of years.',
  async run(ground) {
    const cases = new Cases()
    for (const by of [ground.alice, ground.rita]) {
      const { recording, ephemeral } = await record(ground, by)
      const stolen = [by, ground.identity]
      const { kemCiphertext } = decode(helloAck, recording.helloAck.subarray(4))
      const { kemPublic } = decode(hello, recording.hello.subarray(4))
      const own = xwing.encapsulate(kemPublic)!
      const guesses: readonly (readonly [string, Uint8Array])[] = [
        ['zeros', new Uint8Array(32)],
        ...stolen.map(({ publicKey }) => ['a keyId', publicKey.id] as const),
        ...[kemPublic, kemCiphertext].map((value) => ['the end of a value on the wire', value.slice(-32)] as const),
        ['a secret agreed with the same ephemeral key again', own.sharedSecret],
        ['the ciphertext opened with an ephemeral key of his own', xwing.generate().decapsulate(kemCiphertext)!],
        ...Array.from({ length: 100 }, () => ['a guess', random(32)] as const),
      ]
      for (const [what, ss] of guesses) {
        const { payloads, client } = await openRecording(recording, ss, stolen)
        cases.attempt(what, client === undefined ? `${payloads.length} records, no name` : 'opened', '0 records, no name')
      }
      const ss = ephemeral.decapsulate(kemCiphertext)!
      const told = await openRecording(recording, ss, stolen)
      const name = by.publicKey.algorithm
      const read = told.payloads.some((payload) => Buffer.from(payload).includes('the secret'))
      cases.control(
        `with the ephemeral key, which is gone, and the keys stolen, the session of ${name} opens`,
        String(read),
        'true',
      )
      if (by.unwrap) {
        const without = await openRecording(recording, ss, [ground.identity])
        cases.attempt('the ephemeral key without the RSA key', `${without.payloads.length} records`, '0 records')
      }
    }
    const [server, sender] = [plainKeys(), plainKeys()]
    const recorded = plainSend(server.publicKey, sender.privateKey, { urgent: 0, subject: '', text: 'the secret' })
    const opened = plainReceive(server.privateKey, sender.publicKey, recorded)
    cases.control('the plain design’s recording opens with the stolen key', String(opened?.text), 'the secret')
    return cases
  },
}
