/** Swaps whose other side sends what it likes: frames in the clear, and offers sealed under the right code. */
import { CountersignError, generatePrivateKey, identity, type PublicKey } from '@countersign/core'
import {
  aeadKey,
  concat,
  decode,
  encode,
  equal,
  extract,
  fromUtf8,
  label,
  lengthPrefixed,
  lp,
  Reader,
  seal,
  sha256,
  signatureContext,
  struct,
  u16,
  utf8,
  verify,
} from '@countersign/core/protocol'
import { CliError } from '@countersign/keyexchange/cli'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Target } from './fuzzer.ts'

interface Offer {
  readonly publicKey: PublicKey
  readonly name: string
}
type Step = {
  readonly send?: Uint8Array
  readonly need?: number
  readonly sign?: Uint8Array
  readonly save?: Offer
}
type Steps = Generator<Step, unknown, unknown>
type Role = 'dialer' | 'listener'
type Share = { readonly share: Uint8Array; readonly data: Uint8Array }
interface Swap {
  swap(role: Role, options: object): Steps
}
interface Cpace {
  scalarOf(uniform: Uint8Array): Uint8Array
  sharedPoint(scalar: Uint8Array, peerShare: Uint8Array): Uint8Array
  sessionKey(sid: Uint8Array, shared: Uint8Array, initiator: Share, responder: Share): Uint8Array
}

const remembered = pathToFileURL(join(import.meta.dirname, 'remembered-curves.ts')).href
registerHooks({
  resolve(specifier, context, next) {
    const swapped = specifier === '@noble/curves/ed25519.js' && context.parentURL?.endsWith('/swap/cpace.ts')
    return swapped ? { url: remembered, shortCircuit: true } : next(specifier, context)
  },
})

// The swap is no part of what keyexchange exports: it is reached where it stands.
async function swapSource<T>(file: string): Promise<T> {
  return (await import(pathToFileURL(join(import.meta.dirname, '../../packages/keyexchange/src/swap', file)).href)) as T
}
const [{ swap }, cpace] = await Promise.all([swapSource<Swap>('protocol.ts'), swapSource<Cpace>('cpace.ts')])

const keys = { dialer: identity(generatePrivateKey()), listener: identity(generatePrivateKey()) }
const fill = { dialer: 3, listener: 5 }
const code = 'abandon-ability-able'

function opposite(role: Role): Role {
  return role === 'dialer' ? 'listener' : 'dialer'
}

class Side {
  readonly sent: Uint8Array[] = []
  readonly #steps: Steps
  readonly #key: typeof keys.dialer
  #held: Uint8Array = new Uint8Array(0)
  #need = 0
  saved: Offer | undefined
  state = 'waits'

  constructor(role: Role) {
    this.#key = keys[role]
    const random = (length: number): Uint8Array => new Uint8Array(length).fill(fill[role])
    this.#steps = swap(role, { code, publicKey: this.#key.publicKey, name: role, random })
    this.#advance(undefined)
  }

  feed(bytes: Uint8Array): this {
    this.#held = concat(this.#held, bytes)
    while (this.state === 'waits' && this.#held.length >= this.#need) {
      const taken = this.#held.subarray(0, this.#need)
      this.#held = this.#held.subarray(this.#need)
      this.#advance(taken)
    }
    return this
  }

  #advance(answer: unknown): void {
    try {
      for (let step = this.#steps.next(answer); ;) {
        if (step.done) {
          this.state = 'done'
          return
        }
        const { send, need, sign, save } = step.value
        if (need !== undefined) {
          this.#need = need
          return
        }
        if (send !== undefined) this.sent.push(send)
        if (save !== undefined) this.saved = save
        step = this.#steps.next(sign ? this.#key.sign(sign) : true)
      }
    } catch (error) {
      if (!(error instanceof CliError) && !(error instanceof CountersignError)) throw error
      this.state = error.message.slice(0, 28)
    }
  }
}

const [left, right] = [new Side('dialer'), new Side('listener')]
/** What each side hears of the other: its frames, in the order sent. */
const heard: { readonly [R in Role]: Uint8Array[] } = { dialer: [], listener: [] }
for (let i = 0, j = 0; i < left.sent.length || j < right.sent.length;) {
  for (; i < left.sent.length; i++) {
    heard.listener.push(left.sent[i]!)
    right.feed(left.sent[i]!)
  }
  for (; j < right.sent.length; j++) {
    heard.dialer.push(right.sent[j]!)
    left.feed(right.sent[j]!)
  }
}
if (left.state !== 'done' || right.state !== 'done') throw new Error(`the swap itself fails: ${left.state}, ${right.state}`)

/** Frames of steps 1 to 3, and what the keys of both sides' sealed frames come from. */
const IN_CLEAR = 3
const transcript = [0, 1, 2].flatMap((i) => [heard.listener[i]!, heard.dialer[i]!])
const transcriptHash = sha256(lengthPrefixed(...transcript))
const [, , dialersShare, listenersShare] = transcript.map((frame) => frame.subarray(2)) as [...Uint8Array[]] & { length: 6 }
const isk = cpace.sessionKey(
  concat(new Uint8Array(16).fill(fill.dialer), new Uint8Array(16).fill(fill.listener)),
  cpace.sharedPoint(cpace.scalarOf(new Uint8Array(64).fill(fill.dialer)), listenersShare!),
  { share: dialersShare!, data: utf8('dialer') },
  { share: listenersShare!, data: utf8('listener') },
)
const prk = extract(transcriptHash, isk)

/** What this side seals, frame by frame, under the right key. */
function sealedBy(role: Role, plaintexts: readonly Uint8Array[]): Uint8Array {
  const key = aeadKey(label(prk, `swap ${role}`, transcriptHash, 32))
  const frames = plaintexts.map((plaintext, seq) => {
    const header = encode(u16, plaintext.length + 16)
    return concat(header, seal(key, seq, header, plaintext))
  })
  return concat(...frames)
}

const offer = struct<{ spki: Uint8Array; name: Uint8Array; signature: Uint8Array }>({ spki: lp, name: lp, signature: lp })

function signedText(role: Role, spki: Uint8Array, name: Uint8Array): Uint8Array {
  const who = Uint8Array.of(role === 'dialer' ? 1 : 2)
  return concat(signatureContext('key swap'), who, transcriptHash, lengthPrefixed(spki, name))
}

function offerOf(role: Role, name: Uint8Array): Uint8Array {
  const { spki } = keys[role].publicKey
  return encode(offer, { spki, name, signature: keys[role].sign(signedText(role, spki, name)) as Uint8Array })
}

/** Bits of an input's first byte: who is under test, whether the rest is sealed under the right code, and whether signed. */
const [LISTENER, SEALED, SIGNED] = [1, 2, 4]

/** The input cut into what is sealed one after the other, each behind its length. */
function piecesOf(input: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (const reader = new Reader(input); reader.left >= 2 && pieces.length < 4;) {
    pieces.push(reader.take(Math.min(u16.read(reader), reader.left)))
  }
  return pieces
}

function inPieces(...pieces: readonly Uint8Array[]): Uint8Array {
  return concat(...pieces.map((piece) => concat(encode(u16, piece.length), piece)))
}

/** Whether this is what the other side may have offered: its own key, under a signature of that key's. */
function isOwn(role: Role, saved: Offer, plaintext: Uint8Array): boolean {
  const { spki, name, signature } = decode(offer, plaintext)
  const { publicKey } = keys[role]
  return (
    equal(saved.publicKey.id, publicKey.id) &&
    saved.name === fromUtf8(name) &&
    /^[a-z0-9][a-z0-9._-]{0,63}$/.test(saved.name) &&
    verify(publicKey, signedText(role, spki, name), signature)
  )
}

const verdicts = [Uint8Array.of(1), Uint8Array.of(3)]

export const swaps: Target = {
  name: 'swap',
  promise:
    'whatever the other side sends in a swap’s clear frames, or seals under the right code, ends in an error for people; a key is saved only if the other side proved that it is its own',
  covers: /keyexchange\/src\/swap\/(protocol|frames|cpace)/,
  longest: 1_200,
  seeds: (['dialer', 'listener'] as const).flatMap((role) => {
    const flag = role === 'listener' ? LISTENER : 0
    const name = utf8('other')
    return [
      // Cut short at each frame, so that what is changed is not always the first.
      ...heard[role].map((_, count) => concat(Uint8Array.of(flag), ...heard[role].slice(0, count + 1))),
      concat(Uint8Array.of(flag | SEALED), inPieces(offerOf(opposite(role), name), ...verdicts)),
      concat(Uint8Array.of(flag | SEALED | SIGNED), inPieces(name, ...verdicts)),
    ]
  }),
  run(input) {
    const flags = input[0] ?? 0
    const role = (flags & LISTENER) === 0 ? 'dialer' : 'listener'
    const other = opposite(role)
    if ((flags & SEALED) === 0) {
      const side = new Side(role).feed(input.subarray(1))
      const sent = concat(...heard[role].slice(0, IN_CLEAR + 2))
      if (side.saved && !equal(sent, input.subarray(1, 1 + sent.length))) throw new Error('saved what was not offered')
      return `clear: ${side.state}`
    }
    const [first = new Uint8Array(0), ...rest] = piecesOf(input.subarray(1))
    const plaintext = (flags & SIGNED) === 0 ? first : offerOf(other, first)
    const side = new Side(role).feed(concat(...heard[role].slice(0, IN_CLEAR))).feed(sealedBy(other, [plaintext, ...rest]))
    if (side.saved && !isOwn(other, side.saved, plaintext)) throw new Error('saved what the other side did not prove')
    if (side.saved && rest[0]?.[0] !== 1) throw new Error('saved what the other side did not accept')
    return `sealed: ${side.state}${side.saved ? ', saved' : ''}`
  },
}
