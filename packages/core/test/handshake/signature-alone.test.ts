/** A signature that is wrong under a MAC that is right: each of the two is checked, not only the one that breaks with it. */
import * as crypto from 'node:crypto'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { copy } from '../../src/bytes.ts'
import type { Identity } from '../../src/crypto/signature.ts'
import { converse, machines } from '../harness/handshake.ts'
import { freshSigner } from '../harness/signer.ts'

vi.mock('node:crypto', { spy: true })

const [honest, stranger] = [freshSigner(), freshSigner()]

/** Holds the key that it names, or says so, and signs with another one; its MAC covers the signature that it sends. */
function liar(claims: Identity): Identity {
  return { ...claims, sign: (message) => stranger.sign(message) }
}

/** The same signature with one bit flipped. */
function flipped(by: Identity): Identity {
  return {
    ...by,
    sign(message) {
      const signature = copy(by.sign(message) as Uint8Array)
      signature[40]! ^= 1
      return signature
    },
  }
}

describe.each([
  ['another key’s signature', liar],
  ['a signature that was changed', flipped],
])('%s, under its own right MAC', (_, lie) => {
  test('does not make a client trusted', () => {
    const both = machines({ client: { identity: lie(honest) } })
    converse(both)
    expect([both.server.outcome, both.client.outcome]).toEqual(['UNTRUSTED', 'UNTRUSTED'])
  })

  test('does not make a server the pinned one', () => {
    const both = machines({ server: { identities: [lie(honest)] } })
    converse(both)
    expect([both.client.outcome, both.client.sent.length, both.server.outcome]).toEqual(['WRONG_PEER', 1, 'waiting'])
  })
})

describe('a client that is refused', () => {
  beforeEach(() => void vi.mocked(crypto.verify).mockClear())

  test.each([
    ['unknown', { serverKnows: { trust: () => undefined } }],
    ['known, with a wrong signature', { client: { identity: liar(honest) } }],
  ])('has cost the server one verification: %s', (_, parties) => {
    const { client, server } = machines(parties)
    server.feed(client.sent[0]!)
    client.feed(server.sent[0]!)
    vi.mocked(crypto.verify).mockClear()
    server.feed(client.sent[1]!)
    expect(server.outcome).toBe('UNTRUSTED')
    expect(crypto.verify).toHaveBeenCalledTimes(1)
  })
})
