/** Handshakes that the server refuses: each status, and one that this version does not know. */
import { hex, utf8 } from '../../src/bytes.ts'
import { aeadKey, seal } from '../../src/crypto/aead.ts'
import { encode } from '../../src/wire/codec.ts'
import { frameHeader, refusal } from '../../src/wire/frames.ts'
import { bytesOf, type RefusalVector } from './read.ts'
import { type HandshakePlan, openedVector, plaintextOf, runHandshake } from './handshakes.ts'
import { frame } from '../../src/handshake/step.ts'
import { nonceOf } from '../reference/primitives.ts'
import type { Identities } from './identities.ts'
import type { Tape } from './tape.ts'

type Why = RefusalVector['why']

const plain = { client: 'client ed25519', server: 'server ed25519' }

const plans: Readonly<Record<Why, Omit<HandshakePlan, 'name'>>> = {
  unknown: { ...plain, trusts: () => undefined },
  'wrong signature': { ...plain, signs: 'server ed25519' },
  revoked: { ...plain, trusts: ({ keys }) => ({ revoked: keys[0]! }) },
  busy: { ...plain, busy: true },
  'own key': { client: 'server rsa', server: 'server ed25519', alsoServer: ['server rsa'] },
  'later version': { ...plain, trusts: () => undefined },
}

export function makeRefusals(tape: Tape, identities: Identities): RefusalVector[] {
  return Object.entries(plans).map(([why, plan]) => {
    const run = runHandshake(tape, identities, { name: `refused: ${why}`, ...plan })
    const sHs = run.seen.get('sHs')!
    const sent = why === 'later version' ? laterVersion(sHs) : run.server.sent[1]!
    const opened = plaintextOf(sHs, 1, sent, 4, 1024)
    const textLength = Buffer.from(opened).readUInt32BE(1)
    const plaintext = opened.subarray(0, 5 + textLength)
    const opening = openedVector(run)
    return {
      ...opening,
      why: why as Why,
      'SESSION-KEY': {
        status: opened[0]!,
        text: Buffer.from(plaintext.subarray(5)).toString(),
        nonce: hex(nonceOf(bytesOf(opening['HELLO+ACK'].sHs.iv), 1)),
        plaintext: hex(plaintext),
        frame: hex(sent),
      },
    }
  })
}

/** A refusal that this version never sends. */
function laterVersion(sHs: Uint8Array): Uint8Array {
  const plaintext = encode(refusal, { status: 200, text: utf8('a reason of a later version') })
  return frame('SESSION-KEY', seal(aeadKey(sHs), 1, frameHeader('SESSION-KEY'), plaintext))
}
