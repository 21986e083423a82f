/** What each of core's refusals means: which check it was, and what would be lost without it. */
import type { CountersignError } from '@countersign/core'

export interface Check {
  /** undefined where nothing was found. */
  readonly check: string | undefined
  readonly why: string
}

/** By what core says, the more particular before the general. */
const CHECKS: readonly (readonly [says: RegExp, check: string, why: string])[] = [
  [
    /a frame of type|an? \S+ of \d+ bytes/,
    'the header',
    'Of type and length only one is due here; a body of another one is not even read.',
  ],
  [/another protocol/, 'the magic', 'It is not for this program. Not a byte is sent in answer.'],
  [/another version/, 'the version', 'There is one, so nobody can talk a side down to a weaker one.'],
  [
    /its gate does not hold/,
    'the gate',
    'Its MAC covers every byte before it, and needs the server’s public key. The server stays silent, as it does for any stranger.',
  ],
  [/X-Wing key is not valid|X25519 result/, 'the key exchange', 'Such a key would give a secret that others know.'],
  [
    /does not open/,
    'the tag of AES-256-GCM',
    'Whoever does not hold the key cannot make a tag that fits what he has changed. A byte changed before the seal counts too: it changes the keys.',
  ],
  [
    /answered as another key/,
    'the pinned key',
    'Only the one server that the client knows may answer, whatever other keys are genuine.',
  ],
  [
    /prove the pinned key: its signature/,
    'the server’s signature',
    'It covers all that was sent so far. Without the server’s private key nobody can make it.',
  ],
  [
    /prove the pinned key: its MAC/,
    'the MAC behind the signature',
    'It shows that who signs also took part in the key exchange: a signature cannot be carried over.',
  ],
  [
    /is not trusted, or did not prove/,
    'the client’s proof',
    'Key id, signature and MAC must all hold. Whichever fails, the answer is the same, so that nobody can ask who is trusted.',
  ],
  [/padding that is not zero/, 'the padding', 'It has one right value, so that nothing can be hidden in it.'],
  [/a position that cannot be/, 'the position', 'An offset and the message it belongs to come together, or neither.'],
  [
    /session key is not confirmed/,
    'the confirmation',
    'Both sides must hold the same session key, and all that came with it, before anything is sent under it.',
  ],
  [
    /signature does not verify: of a receipt/,
    'the receiver’s signature',
    'Nobody but the receiver can give a receipt, and not a bit of it can be changed.',
  ],
  [
    /signature does not verify/,
    'the sender’s signature',
    'Holding the session’s keys is not enough: a message needs its sender’s identity key.',
  ],
  [
    /does not match its leaf/,
    'the leaf',
    'The signed statement holds the hash of the message: the words are those that were signed.',
  ],
  [
    /statement from|statement to|statement of/,
    'the statement’s names',
    'It must be from this sender, to this receiver, of this outbox: nobody can pass on what was signed for another.',
  ],
  [/offset that was not announced/, 'the offset', 'A message goes on where the receiver said it stands, or begins anew.'],
  [
    /does not fit what was sent: it does not continue/,
    'the chain of receipts',
    'A journal that has lost or changed a receipt cannot go on unnoticed.',
  ],
  [
    /does not fit what was sent/,
    'the receipt’s statement',
    'It must be from the receiver, for the very message that waits for it.',
  ],
  [/answers no PING/, 'the nonce of PING', 'A PONG that was not asked for is no sign of life.'],
  [/number above|numbers that cannot be/, 'the range of numbers', 'Numbers stay where every implementation holds them exactly.'],
  [/lays them out/, 'the lengths', 'Every structure is used up exactly, to its last byte: there is one way to read it.'],
  [/broke the protocol/, 'the form of the record', 'A record that has no meaning here ends the session.'],
  [
    /ended before the peer closed/,
    'the missing CLOSE',
    'The header announces more than comes. The end of the stream is no end of the session: it is reported as a cut.',
  ],
]

/** What an error of a replay means. */
export function checkOf(error: CountersignError | undefined): Check {
  if (error === undefined) {
    return {
      check: undefined,
      why: 'Nothing is wrong with what came of it: who holds this key may say so. It concerns nothing that is signed.',
    }
  }
  const found = CHECKS.find(([says]) => says.test(error.message))
  if (found === undefined) return { check: error.message, why: '' }
  const [, check, why] = found
  return { check, why }
}
