import type { Identity, PublicKey } from '@countersign/core'
import { generatePrivateKey, identity } from '@countersign/core'
import { type Attack, Cases } from '../harness/attack.ts'
import type { Ground } from '../harness/ground.ts'
import { at, flipped, Refusal, rogueClient } from '../harness/handshake.ts'

interface Answer {
  readonly status: string
  readonly length: number
  /** ms from the ACK to the answer */
  readonly elapsed: number
}

async function ask(ground: Ground, by: Identity, claims: PublicKey, what: string): Promise<Answer> {
  const line = await ground.dial()
  let sent = 0
  const spoiled = at(what, (value) => flipped(value, 9))
  try {
    await rogueClient(line, {
      identity: by,
      claims,
      server: ground.publicKey,
      twist: (name, value) => {
        if (name === 'ack') sent = performance.now()
        return spoiled(name, value)
      },
    })
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return {
      status: `status ${error.status}, ${error.frame.length} bytes`,
      length: error.frame.length,
      elapsed: performance.now() - sent,
    }
  } finally {
    line.destroy()
  }
  return { status: 'accepted', length: 0, elapsed: 0 }
}

function quartiles(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part: number): string => sorted[Math.floor((sorted.length - 1) * part)]!.toFixed(2)
  return `${at(0.25)}, ${at(0.5)}, ${at(0.75)}`
}

export const attack: Attack = {
  title: 'Somebody who holds the server’s public key asks who is enrolled',
  tries:
    'keys that nobody knows, and keys of clients who are enrolled, claimed without their private half, with a wrong signature and with a wrong MAC, of Ed25519 and RSA: the answers and their times are compared.',
  plainDesignLoses: 'the list of its users: "no such user" and "wrong password" are two answers.',
  alone: true,
  async run(ground) {
    const cases = new Cases()
    const rsa = identity(generatePrivateKey('rsa'))
    const kinds: readonly (readonly [string, Identity, PublicKey, string])[] = [
      ['Ed25519, unknown', ground.stranger, ground.stranger.publicKey, 'none'],
      ['Ed25519, enrolled, signed by another', ground.stranger, ground.alice.publicKey, 'none'],
      ['Ed25519, enrolled, wrong MAC', ground.alice, ground.alice.publicKey, 'mac'],
      ['Ed25519, revoked, signed by another', ground.stranger, ground.revoked.publicKey, 'none'],
      ['RSA, unknown', rsa, rsa.publicKey, 'none'],
      ['RSA, enrolled, signed by another', rsa, ground.rita.publicKey, 'none'],
    ]
    const times = new Map<string, number[]>(kinds.map(([name]) => [name, []]))
    // Taken in turn, so that whatever else the machine does falls on all of them alike.
    for (let round = 0; round < (ground.full ? 400 : 30); round++) {
      for (const [name, by, claims, spoiled] of kinds) {
        const { status, elapsed } = await ask(ground, by, claims, spoiled)
        cases.attempt(name, status, 'status 1, 1044 bytes')
        times.get(name)!.push(elapsed)
      }
    }
    for (const [name, values] of times) cases.note(`${name}: quartiles ${quartiles(values)} ms`)
    cases.control(
      'who proves an enrolled key gets another answer',
      (await ask(ground, ground.alice, ground.alice.publicKey, 'none')).status,
      'accepted',
    )
    return cases
  },
}
