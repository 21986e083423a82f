/** What the page of `explain` shows: all bytes of a real session, and what core itself makes of each flip. */
import { CountersignError, memoryJournal, secureClient, secureServer } from '@countersign/core'
import { concat, decode, hello, helloAck, proof, receiptPayload, sessionKey } from '@countersign/core/protocol'
import { duplexPair } from 'node:stream'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Flips, flipAll, FLIPPED, type Verdict } from '../../src/explain/flips.ts'
import { type Field, type Layout, layoutOf } from '../../src/explain/layout.ts'
import { pageOf } from '../../src/explain/page.ts'
import { record, type Recording } from '../../src/explain/recording.ts'
import { Replay } from '../../src/explain/replay.ts'

/** Of each field the first byte, the last, and few between: the bounded form of what the program does with every byte. */
const STEP = 127

describe.each([
  ['ed25519', 'ed25519'],
  ['rsa', 'ml-dsa-65'],
] as const)('a session between %s and %s identities', (client, server) => {
  let recording: Recording
  let layouts: Layout[]
  let flips: Flips

  beforeAll(async () => {
    recording = await record({ client, server, text: 'Meet me at <b>noon</b>.' })
    layouts = recording.frames.map(layoutOf)
    flips = await flipAll(recording, layouts, { step: STEP })
  })

  const names = (): string[] => layouts.map(({ name }) => name)
  const frameOf = (name: string): number => names().indexOf(name)
  const fieldOf = (frame: string, field: string, where: 'inside' | 'outside'): Field =>
    layouts[frameOf(frame)]![where].find(({ name }) => name === field)!
  const bytesOf = (frame: string, field: string, where: 'inside' | 'outside'): Uint8Array => {
    const { at, length } = fieldOf(frame, field, where)
    const { bytes, seal } = recording.frames[frameOf(frame)]!
    return where === 'outside' ? bytes.slice(at, at + length) : seal!.plain.slice(at - seal!.at, at - seal!.at + length)
  }
  const verdictOf = (frame: string, field: string, where: 'inside' | 'outside', byte = 0): Verdict => {
    const at = fieldOf(frame, field, where).at + byte
    const [, , verdict] = flips[where][frameOf(frame)]!.find(([from, to]) => from <= at && at < to)!
    return flips.verdicts[verdict]!
  }

  test('takes the steps of the protocol', () => {
    expect(names()).toEqual(
      expect.arrayContaining(['HELLO', 'HELLO+ACK', 'ACK', 'SESSION-KEY', 'PING', 'PONG', 'MESSAGE-END', 'RECEIPT', 'CLOSE']),
    )
    expect(recording.receipt.outcome).toBe('received')
  })

  test('every byte belongs to one field, and what is sealed to one inside the seal', () => {
    for (const [i, { outside, inside }] of layouts.entries()) {
      const { bytes, seal } = recording.frames[i]!
      let at = 0
      for (const field of outside) {
        expect([field.name, field.at]).toEqual([field.name, at])
        expect(field.length).toBeGreaterThan(0)
        at += field.length
      }
      expect(at).toBe(bytes.length)
      at = seal?.at ?? 0
      for (const field of inside) {
        expect([field.name, field.at]).toEqual([field.name, at])
        at += field.length
      }
      expect(at - (seal?.at ?? 0)).toBe(seal?.plain.length ?? 0)
    }
  })

  test('the fields stand where core reads them', () => {
    const { frames } = recording
    const plain = (name: string): Uint8Array => frames[frameOf(name)]!.seal!.plain
    const opening = decode(hello, frames[0]!.bytes.subarray(4))
    const kem = concat(...['ML-KEM-768', 'X25519'].map((half) => bytesOf('HELLO', `kemPublic: ${half}`, 'outside')))
    expect([kem, bytesOf('HELLO', 'gate', 'outside')]).toEqual([opening.kemPublic, opening.gate].map((x) => x.slice()))
    const { kemCiphertext } = decode(helloAck, frames[1]!.bytes.subarray(4))
    expect(bytesOf('HELLO+ACK', 'kemCiphertext: ML-KEM-768', 'outside')).toEqual(kemCiphertext.slice(0, 1088))
    for (const name of ['HELLO+ACK', 'ACK']) {
      const { signature, mac } = decode(proof, plain(name))
      expect(bytesOf(name, 'signature', 'inside')).toEqual(signature.slice())
      expect(bytesOf(name, 'mac', 'inside')).toEqual(mac.slice())
    }
    const { wrapped, confirm } = decode(sessionKey, plain('SESSION-KEY'))
    expect(bytesOf('SESSION-KEY', 'session key', 'inside')).toEqual(wrapped.slice())
    expect(bytesOf('SESSION-KEY', 'confirm', 'inside')).toEqual(confirm.slice())
    expect(fieldOf('MESSAGE-END', 'item: body', 'inside').value).toBe('Meet me at <b>noon</b>.')
    const { statement, signature } = decode(receiptPayload, plain('RECEIPT').subarray(1))
    expect(bytesOf('RECEIPT', 'signature', 'inside')).toEqual(signature.slice())
    expect(bytesOf('RECEIPT', 'chain', 'inside')).toEqual(statement.slice(-32))
    expect(fieldOf('RECEIPT', 'outcome', 'inside').value).toBe('2: received')
  })

  test('as it was, each side takes every frame of it', async () => {
    const replay = new Replay(recording)
    for (const [i, { bytes }] of recording.frames.entries()) expect((await replay.run(i, bytes)).error).toBeUndefined()
  })

  test('what is flipped on the way is caught, always, and by a check that has a name', () => {
    for (const runs of flips.outside) {
      for (const [, , verdict] of runs) expect(flips.verdicts[verdict]!.check).toBeDefined()
    }
    for (const { why } of flips.verdicts) expect(why).not.toBe('')
  })

  test('each field has the check that guards it', () => {
    const check = (...place: Parameters<typeof verdictOf>): string | undefined => verdictOf(...place).check
    expect(check('HELLO', 'magic', 'outside')).toBe('the magic')
    expect(check('HELLO', 'reserved', 'outside')).toBe('the gate')
    expect(check('HELLO', 'gate', 'outside')).toBe('the gate')
    expect(check('ACK', 'length', 'outside')).toBe('the header')
    for (const name of ['HELLO+ACK', 'ACK', 'SESSION-KEY', 'MESSAGE-END', 'RECEIPT']) {
      expect([name, check(name, 'sealed', 'outside')]).toEqual([name, 'the tag of AES-256-GCM'])
    }
    expect(check('HELLO+ACK', 'keyId', 'inside')).toBe('the pinned key')
    expect(check('HELLO+ACK', 'signature', 'inside')).toBe('the server’s signature')
    expect(check('HELLO+ACK', 'mac', 'inside')).toBe('the MAC behind the signature')
    expect(check('HELLO+ACK', 'padding', 'inside')).toBe('the padding')
    for (const field of ['keyId', 'outbox', 'signature', 'mac']) {
      expect(verdictOf('ACK', field, 'inside')).toMatchObject({ check: 'the client’s proof', code: 'UNTRUSTED', answered: true })
    }
    expect(check('SESSION-KEY', 'session key', 'inside')).toBe('the confirmation')
    expect(check('MESSAGE-END', 'to', 'inside')).toBe('the statement’s names')
    expect(check('MESSAGE-END', 'sentAt', 'inside', 7)).toBe('the sender’s signature')
    expect(check('MESSAGE-END', 'item: body', 'inside')).toBe('the leaf')
    expect(check('RECEIPT', 'digest', 'inside')).toBe('the receipt’s statement')
    expect(check('RECEIPT', 'outcome', 'inside')).toMatch(/the lengths|signature/)
    expect(check('RECEIPT', 'signature', 'inside')).toBe('the receiver’s signature')
    expect(check('CLOSE', 'reason', 'inside')).toBeUndefined()
  })

  test('a replay ends as the same bytes do over a stream', async () => {
    const replay = new Replay(recording)
    const { client, server, frames } = recording
    for (const [index, at] of [
      [1, 40],
      [1, 3000],
      [2, 3],
      [2, 700],
      [3, 500],
    ] as const) {
      const bytes = frames[index]!.bytes.slice()
      bytes[at]! ^= FLIPPED
      const sent = frames.filter(({ from, name }) => from === frames[index]!.from && name !== 'RECORD')
      const [near, far] = duplexPair()
      far.write(concat(...sent.map((frame) => (frame === frames[index] ? bytes : frame.bytes))))
      const { identity, entropy, outbox, journal: id } = index === 2 ? server : client
      const options = { identity, entropy: entropy(), outbox, journal: { ...memoryJournal(), id } }
      const ending =
        index === 2
          ? secureServer(near, { ...options, peers: [client.identity.publicKey] })
          : secureClient(near, { ...options, peer: server.identity.publicKey })
      const error: unknown = await ending.catch((error: unknown) => error)
      expect(error).toBeInstanceOf(CountersignError)
      expect((await replay.run(index, bytes)).error).toMatchObject({ message: (error as Error).message })
      far.destroy()
    }
  })

  test('the page lets in its own style and script alone, loads nothing, and reads nothing of the session as HTML', () => {
    const page = pageOf(recording, layouts, flips)
    expect(page).toMatch(/default-src &#39;none&#39;; style-src &#39;sha256-\S+&#39;; script-src &#39;sha256-\S+&#39;/)
    expect(page).not.toMatch(/https?:|src=|href="(?!#)|<link|@import|url\(/)
    expect(page).toContain('Meet me at &lt;b&gt;noon&lt;/b&gt;.')
    expect(page).not.toContain('<b>noon')
  })
})
