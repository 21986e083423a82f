/** Attacks of whoever has learnt the code: what they offer is held against the rules all the same. */
import { generatePrivateKey, readPrivateKey } from '@countersign/core'
import { describe, expect, test } from 'vitest'
import { ed25519SmallOrder, rsaWithExponentOne, spkiOfRsa, withTrailingBytes } from '../keys.ts'
import { contentOf, dialing, FULL, keysJson, leftToFull, type Outcome, listening, madeHome, temporaryFolder } from '../program.ts'
import { type FalseOffer, offerFalsely, peersOf } from './attacker.ts'

/** A listener that trusts ada, has revoked bob, and meets an offer. */
async function meet(
  offer: (event: { code: string; port: number; server: string }) => FalseOffer,
  ...words: string[]
): Promise<Outcome & { server: string }> {
  const server = await madeHome('server', { name: 'ben' })
  const { listener, event, port } = await listening(server, ...words)
  await expect(offerFalsely(offer({ code: event.code, port, server }))).rejects.toMatchObject({ code: 'DECLINED' })
  return { ...(await listener.exited), server }
}

/** What came of an offer: the exit status, what was said, and who is trusted. */
function verdict({ status, stderr, server }: Outcome & { server: string }): object {
  return { status, error: /^error: (.*)$/m.exec(stderr)?.[1], trusted: peersOf(server, 'server') }
}

function refusal(status: number, what: RegExp): object {
  return { status, error: expect.stringMatching(what) as string, trusted: [] }
}

test('a key whose private half the peer does not hold', async () => {
  const victim = generatePrivateKey().publicKey
  const outcome = await meet((event) => ({ ...event, publicKey: victim }))
  expect(verdict(outcome)).toEqual(refusal(6, /does not hold the key that it offers; nothing was saved$/))
})

test('the listener’s own key, with its private half', async () => {
  const outcome = await meet((event) => ({
    ...event,
    privateKey: readPrivateKey(contentOf(event.server, 'server/identity.pem')),
  }))
  expect(verdict(outcome)).toEqual(refusal(10, /this home's own key; nothing was changed$/))
})

const NAMES = ['../identity', 'ada\nhint: all is well', 'a/b', 'ada\u001b[2J', 'ADA', '']
if (!FULL) leftToFull('some names that no key may have, offered to a real listener')

test.each(FULL ? NAMES : NAMES.slice(0, 2))('the name %j', async (name) => {
  const outcome = await meet((event) => ({ ...event, name }))
  expect(verdict(outcome)).toEqual(refusal(6, /^the other side calls itself .*; nothing was saved$/))
  // oxlint-disable-next-line no-control-regex -- none may get through
  expect(outcome.stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
  expect(outcome.stderr.match(/^hint:/gm)).toHaveLength(1)
})

describe('a key that breaks the key rules', () => {
  const offered = (spki: Uint8Array): Partial<FalseOffer> => ({
    publicKey: { ...generatePrivateKey().publicKey, spki },
    sign: () => new Uint8Array(64),
  })

  test.each([
    ['RSA of 1024 bits', () => spkiOfRsa(1024), /RSA of 1024 bits/],
    ['RSA with the exponent 1', () => rsaWithExponentOne(), /exponent 1/],
    ['Ed25519 of small order', () => ed25519SmallOrder(), /small order/],
    ['bytes after the DER', () => withTrailingBytes(generatePrivateKey().publicKey.spki), /bytes after it/],
  ])('%s', async (_, spki, what) => {
    const outcome = await meet((event) => ({ ...event, ...offered(spki()) }))
    expect(verdict(outcome)).toEqual(refusal(6, what))
  })
})

describe('a listener that has met others before', () => {
  test('refuses a revoked key, under any name', async () => {
    const server = temporaryFolder()
    const mallory = generatePrivateKey()
    const first = await listening(server)
    await offerFalsely({ code: first.event.code, port: first.port, privateKey: mallory })
    await first.listener.exited
    await keysJson(['--root', server, 'revoke', 'mallory'])

    const second = await listening(server)
    await expect(
      offerFalsely({ code: second.event.code, port: second.port, privateKey: mallory, name: 'eve' }),
    ).rejects.toMatchObject({ code: 'DECLINED' })
    const { status, stderr } = await second.listener.exited
    expect(status).toBe(10)
    expect(stderr).toMatch(/error: this key is revoked here/)
    expect(peersOf(server, 'server')).toEqual([])
  })

  test('refuses a pinned name with another key; --peer names it otherwise', async () => {
    const [server, client] = [temporaryFolder(), await madeHome('client', { name: 'ada' })]
    const first = await listening(server)
    await dialing(client, first.port, first.event.code).exited
    await first.listener.exited
    const pinned = contentOf(server, 'server/peers/ada.pem')

    const second = await listening(server)
    await expect(offerFalsely({ code: second.event.code, port: second.port, name: 'ada' })).rejects.toMatchObject({
      code: 'DECLINED',
    })
    const { status, stderr } = await second.listener.exited
    expect(status).toBe(10)
    expect(stderr).toMatch(/error: ada is pinned to another key, .*; nothing was changed\nhint: name it otherwise with --peer/)
    expect(contentOf(server, 'server/peers/ada.pem')).toBe(pinned)

    const third = await listening(server, '--peer', 'ada-2')
    await offerFalsely({ code: third.event.code, port: third.port, name: 'ada' })
    expect((await third.listener.exited).status).toBe(0)
    expect(peersOf(server, 'server')).toEqual(['ada-2.pem', 'ada.pem'])
  })
})
