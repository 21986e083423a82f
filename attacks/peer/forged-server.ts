import { connect, CountersignError, type Identity } from '@countersign/core'
import { concat, random, utf8, wrap } from '@countersign/core/protocol'
import { run } from '@countersign/testing'
import { type Attack, Cases } from '../harness/attack.ts'
import type { Ground } from '../harness/ground.ts'
import { at, flipped, rogueServer, type Twist } from '../harness/handshake.ts'
import { trap } from '../harness/line.ts'
import { plainLines } from '../harness/process.ts'

function refusalOf(status: number, text: Uint8Array): Twist {
  return at('keyPlain', () => {
    const plain = new Uint8Array(1024)
    plain[0] = status
    plain.set([0, 0, text.length >> 8, text.length & 0xff], 1)
    plain.set(text, 5)
    return plain
  })
}

function last(value: Uint8Array): Uint8Array {
  return flipped(value, -8)
}

type Forgery = readonly [what: string, code: string, twist: Twist]

const both: readonly Forgery[] = [
  ['a signature with one bit flipped', 'WRONG_PEER', at('signature', (value) => flipped(value, 9))],
  ['no signature', 'WRONG_PEER', at('signature', () => new Uint8Array(0))],
  [
    'a signature under the client’s context',
    'WRONG_PEER',
    at('context', () => Buffer.from(`${' '.repeat(64)}countersign/1 client handshake\0`)),
  ],
  ['a signature over another transcript', 'WRONG_PEER', at('ts', (value) => flipped(value, 0))],
  ['a MAC with one bit flipped', 'WRONG_PEER', at('mac', (value) => flipped(value, 3))],
  ['another keyId', 'WRONG_PEER', at('payload', (value) => flipped(value, 0))],
  ['padding in HELLO+ACK', 'ENCODING', at('plain', last)],
  ['a payload one byte short', 'ENCODING', at('payload', (value) => value.subarray(0, -1))],
  ['a payload one byte long', 'ENCODING', at('payload', (value) => concat(value, Uint8Array.of(0)))],
  [
    'an X25519 part of zeros',
    'NOT_AUTHENTIC',
    at('kemCiphertext', (value) => concat(value.subarray(0, 1088), new Uint8Array(32))),
  ],
  ['another ML-KEM ciphertext', 'NOT_AUTHENTIC', at('kemCiphertext', (value) => flipped(value, 0))],
  ['a confirmation with one bit flipped', 'NOT_AUTHENTIC', at('confirm', (value) => flipped(value, 5))],
  ['a confirmation of zeros', 'NOT_AUTHENTIC', at('confirm', (value) => new Uint8Array(value.length))],
  ['padding in SESSION-KEY', 'ENCODING', at('keyPlain', last)],
  ['data one byte short', 'ENCODING', at('data', (value) => value.subarray(0, -1))],
  ['data one byte long', 'ENCODING', at('data', (value) => concat(value, Uint8Array.of(0)))],
  ['next = 0', 'ENCODING', at('data', (value) => concat(value.subarray(0, 16), new Uint8Array(8), value.subarray(24)))],
  ['a status that does not exist', 'REFUSED', refusalOf(77, utf8('no'))],
  ['a refusal with padding', 'ENCODING', at('keyPlain', (value) => last(refusalOf(1, utf8('no'))('keyPlain', value)))],
  [
    'a refusal whose text is too long for it',
    'ENCODING',
    at('keyPlain', (value) => refusalOf(1, new Uint8Array(1019))('keyPlain', value).with(2, 1)),
  ],
  ['no session key', 'NOT_AUTHENTIC', at('wrapped', () => new Uint8Array(0))],
  ['a session key one byte short', 'NOT_AUTHENTIC', at('wrapped', (value) => value.subarray(1))],
  ['another session key than the confirmed one', 'NOT_AUTHENTIC', at('wrapped', (value) => flipped(value, 1))],
]

function rsaAlone(rita: Identity): readonly Forgery[] {
  return [
    ['OAEP under another label', 'NOT_AUTHENTIC', at('label', (value) => flipped(value, -1))],
    ['OAEP under no label', 'NOT_AUTHENTIC', at('label', () => new Uint8Array(0))],
    ['OAEP of 31 bytes', 'NOT_AUTHENTIC', at('wrapped', () => wrap(rita.publicKey, random(31), new Uint8Array(0)))],
    ['the session key in the clear', 'NOT_AUTHENTIC', at('wrapped', () => random(32))],
    ['a ciphertext of zeros', 'NOT_AUTHENTIC', at('wrapped', (value) => new Uint8Array(value.length))],
    ['a ciphertext above the modulus', 'NOT_AUTHENTIC', at('wrapped', (value) => new Uint8Array(value.length).fill(0xff))],
  ]
}

async function meet(ground: Ground, client: Identity, twist: Twist): Promise<string> {
  await using server = await trap((line) => {
    void rogueServer(line, { identity: ground.identity, client: client.publicKey, twist }).catch(() => {})
  })
  try {
    const options = { host: '127.0.0.1', port: server.port, identity: client, peer: ground.publicKey, handshakeWithin: 8_000 }
    const session = await connect({ ...options, limits: { closeWithin: 100 } })
    await session.close()
    return 'accepted'
  } catch (error) {
    if (error instanceof CountersignError) return error.code
    throw error
  }
}

export const attack: Attack = {
  title: 'A server with the pinned key seals forged proofs with the right handshake keys',
  tries:
    'identity, signature, MAC, padding, confirmation, wrapped session key, data and refusals wrong, one at a time, to clients with Ed25519 and RSA keys: every failure of OAEP must look like every other. A sample goes to the client program.',
  plainDesignLoses:
    'the key itself, one bit of padding at a time: an answer that tells one decryption failure from another is an oracle (Bleichenbacher).',
  async run(ground) {
    const cases = new Cases()
    for (const client of [ground.alice, ground.rita]) {
      for (const [what, code, twist] of both) cases.attempt(what, await meet(ground, client, twist), code)
      cases.control(
        `with nothing forged the ${client.publicKey.algorithm} client goes on`,
        await meet(ground, client, (_, value) => value),
        'accepted',
      )
    }
    for (const [what, code, twist] of rsaAlone(ground.rita)) cases.attempt(what, await meet(ground, ground.rita, twist), code)

    const colours = utf8('\u001b[2J\u001b[31mall is well\u202e')
    for (const [what, twist, status] of [
      ['a wrong MAC, to the program', at('mac', (value) => flipped(value, 3)), 12],
      ['a wrong confirmation, to the program', at('confirm', (value) => flipped(value, 3)), 12],
      ['a refusal that would write on the terminal', refusalOf(77, colours), 11],
    ] as const) {
      await using server = await trap((line) => {
        void rogueServer(line, { identity: ground.identity, client: ground.alice.publicKey, twist }).catch(() => {})
      })
      const words = ['send', 'hello', '--host', '127.0.0.1', '--port', String(server.port)]
      const ended = await run('client', words, { root: ground.homes.alice.root })
      const clean = plainLines(ended.stderr + ended.stdout) && ended.stdout === ''
      cases.attempt(what, `status ${ended.status}${clean ? '' : ', and it wrote what it should not'}`, `status ${status}`)
    }
    return cases
  },
}
