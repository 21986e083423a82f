/**
 * Whoever records a swap and then tries words against it: no value of the transcript may say whether a guess was right.
 *
 * The recorder here knows two of the three words and tries the whole list, or without TEST_FULL its end, for the third. For each guess it computes what
 * can be computed of the words and of public values alone, and looks for it in what was sent. Two planted variants of the
 * protocol, each of which leaks, are caught by the same search.
 */
import { generatePrivateKey } from '@countersign/core'
import { hex, sha256 } from '@countersign/core/protocol'
import { createHmac, hash } from 'node:crypto'
import { expect, test } from 'vitest'
import { confirmation, generator, lvCat } from '../../src/swap/cpace.ts'
import { WORDS } from '../../src/words.ts'
import { FULL, leftToFull } from '../program.ts'
import { swapPair } from '../swap/pair.ts'

const KNOWN = 'abandon-ability'
const SECRET = 'zebra'

const GUESSES = FULL ? WORDS : WORDS.slice(-256)
if (!FULL) leftToFull('the search over all 2048 words, instead of 256 that hold the right one')

/** What was sent, in the order sent, without headers. */
async function record(): Promise<Uint8Array[]> {
  const side = { code: `${KNOWN}-${SECRET}`, privateKey: generatePrivateKey() }
  const frames: Uint8Array[] = []
  await swapPair({
    dialer: { ...side, name: 'ada' },
    listener: { ...side, name: 'ben', privateKey: generatePrivateKey() },
    between(frame) {
      frames.push(frame.subarray(2))
      return frame
    },
  })
  return frames
}

/** What of a guess can be checked: functions of the words and of what was sent in the clear. */
function checkable(guess: string, [opening, nonce, ya, yb]: readonly Uint8Array[]): Uint8Array[] {
  const words = Buffer.from(guess)
  const sid = Buffer.concat([opening!.subarray(5), nonce!])
  const channel = lvCat(...['countersign/1 swap', 'dialer', 'listener'].map((text) => Buffer.from(text)))
  const base = generator(words, channel, sid)
  const sides = [
    { share: ya!, data: Buffer.from('dialer') },
    { share: yb!, data: Buffer.from('listener') },
  ]
  const macs = sides.flatMap((side) => [words, base, sha256(words), sha512(words)].map((key) => confirmation(sid, key, side)))
  const keyed = [sid, ya!, yb!].flatMap((text) => [
    createHmac('sha256', words).update(text).digest(),
    createHmac('sha512', words).update(text).digest(),
  ])
  return [words, base, sha256(words), sha512(words), sha256(sid, words), sha256(base), sha512(base), ...macs, ...keyed]
}

function sha512(text: Uint8Array): Uint8Array {
  return hash('sha512', text, 'buffer')
}

/** The third words that the recorder cannot rule out, as far as any value of the transcript confirms one. */
function confirmed(transcript: readonly Uint8Array[]): string[] {
  const sent = transcript.map(hex)
  return GUESSES.filter((word) => {
    const values = checkable(`${KNOWN}-${word}`, transcript).map(hex)
    return values.some((value) => sent.some((frame) => frame.includes(value)))
  })
}

test('no value of a recorded swap confirms a word', async () => {
  expect(confirmed(await record())).toEqual([])
})

test('the search finds the word where a hash of it is sent along', async () => {
  const [opening, ...rest] = await record()
  const leaking = Buffer.concat([opening!, sha256(Buffer.from(`${KNOWN}-${SECRET}`))])
  expect(confirmed([leaking, ...rest])).toEqual([SECRET])
})

test('the search finds the word where the confirmation is keyed by the generator instead of the secret of both', async () => {
  const [opening, nonce, ya, yb, , ...rest] = await record()
  const sid = Buffer.concat([opening!.subarray(5), nonce!])
  const channel = lvCat(...['countersign/1 swap', 'dialer', 'listener'].map((text) => Buffer.from(text)))
  const base = generator(Buffer.from(`${KNOWN}-${SECRET}`), channel, sid)
  const ta = confirmation(sid, base, { share: ya!, data: Buffer.from('dialer') })
  expect(confirmed([opening!, nonce!, ya!, yb!, ta, ...rest])).toEqual([SECRET])
})
