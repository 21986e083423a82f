/** The swap, both roles; the numbers are those of docs/KEYS.md. */
import { type PublicKey, publicKeyFromSpki } from '@countersign/core'
import {
  aeadKey,
  bytes,
  type Codec,
  concat,
  decode,
  encode,
  equal,
  extract,
  fromUtf8,
  label,
  lengthPrefixed,
  lp,
  random as systemRandom,
  signatureContext,
  struct,
  u8,
  utf8,
  verify,
  wipe,
} from '@countersign/core/protocol'
import { CliError } from '../cli/exit.ts'
import { isName } from '../home/layout.ts'
import { confirmation, generator, lvCat, MAC_LENGTH, scalarOf, sessionKey, SHARE_LENGTH, share, sharedPoint } from './cpace.ts'
import { SealedFrames, stranger, Transcript } from './frames.ts'
import type { Offer, Swapped, SwapSteps } from './step.ts'

export type SwapRole = 'dialer' | 'listener'

export interface SwapOptions {
  /** The words of the one-time code, lower case, joined by '-' */
  readonly code: string
  readonly publicKey: PublicKey
  /** What this side calls itself */
  readonly name: string
  /** Where fresh bytes come from: 16 for the nonce, then 64 for the scalar */
  readonly random?: (length: number) => Uint8Array
}

const NONCE_LENGTH = 16

interface Opening {
  readonly magic: Uint8Array
  readonly version: number
  readonly nonce: Uint8Array
}

const MAGIC = utf8('CSKX')
const VERSION = 1
const opening: Codec<Opening> = struct({ magic: bytes(4), version: u8, nonce: bytes(NONCE_LENGTH) })
const OPENING_LENGTH = 4 + 1 + NONCE_LENGTH

const ROLES = { dialer: { data: utf8('dialer'), byte: 1 }, listener: { data: utf8('listener'), byte: 2 } } as const
const CHANNEL = lvCat(utf8('countersign/1 swap'), ROLES.dialer.data, ROLES.listener.data)

const VERDICT = { accept: 1, decline: 2, saved: 3 } as const

/**
 * Swaps public keys with the side that knows the same code.
 *
 * @throws CliError CODE_MISMATCH where the code was wrong or spent, WRONG_PEER for what is no swap, BAD_KEY for an offer
 *   that does not hold, DECLINED where a person declined; LocalError KEY_... for a key that breaks the key rules
 */
export function* swap(role: SwapRole, options: SwapOptions): SwapSteps<Swapped> {
  const { isk, transcriptHash } = role === 'dialer' ? yield* dial(options) : yield* listen(options)

  // 4 Both ways get a key of their own.
  const prk = extract(transcriptHash, isk)
  wipe(isk)
  const frames = (of: SwapRole): SealedFrames => new SealedFrames(aeadKey(label(prk, `swap ${of}`, transcriptHash, 32)))
  const [ours, theirs] = [frames(role), frames(opposite(role))]
  wipe(prk)

  // 5 Each offers its public key and proves that it holds the private one.
  yield* ours.send(yield* offerOf(role, options, transcriptHash))
  const offered = yield* theirs.receive()
  let offer: Offer
  let accepted: boolean
  try {
    offer = checkOffer(opposite(role), offered, transcriptHash)
    // 6 Both people look, and accept or decline. A key that may not be trusted is declined like one that nobody wants.
    accepted = (yield { decide: offer }) as boolean
  } catch (error) {
    yield* ours.send(Uint8Array.of(VERDICT.decline))
    throw error
  }
  yield* ours.send(Uint8Array.of(accepted ? VERDICT.accept : VERDICT.decline))
  if (!accepted) throw new CliError('DECLINED', 'you declined; nothing was saved', 'run the swap again if that was a mistake')
  yield* receiveAcceptance(theirs)

  // 7 Each saves and says so. Who hears nothing of it cannot know.
  yield { save: offer }
  yield* ours.send(Uint8Array.of(VERDICT.saved))
  return { offer, confirmed: yield* receiveSaved(theirs) }
}

function opposite(role: SwapRole): SwapRole {
  return role === 'dialer' ? 'listener' : 'dialer'
}

interface Agreement {
  readonly isk: Uint8Array
  readonly transcriptHash: Uint8Array
}

function* dial({ code, random = systemRandom }: SwapOptions): SwapSteps<Agreement> {
  const transcript = new Transcript()

  // 1 Fresh nonces make the session id.
  const nonce = random(NONCE_LENGTH)
  yield* transcript.send(encode(opening, { magic: MAGIC, version: VERSION, nonce }))
  const sid = concat(nonce, yield* transcript.receive(NONCE_LENGTH))

  // 2 CPace: each side's share of the secret.
  const secret = makeShare(code, sid, random)
  try {
    yield* transcript.send(secret.share)
    const peerShare = yield* transcript.receive(SHARE_LENGTH)
    const isk = agree(secret, sid, peerShare, 'dialer')
    const side = (of: SwapRole): Uint8Array => confirmation(sid, isk, sideOf(of, of === 'dialer' ? secret.share : peerShare))

    // 3 The dialer shows first that it knows the code, which spends it.
    yield { spend: true }
    yield* transcript.send(side('dialer'))
    let mac: Uint8Array
    try {
      mac = yield* transcript.receive(MAC_LENGTH)
    } catch (cause) {
      throw codeMismatch(cause)
    }
    if (!equal(mac, side('listener'))) throw codeMismatch()
    return { isk, transcriptHash: transcript.hash() }
  } finally {
    wipe(secret.scalar)
  }
}

function* listen({ code, random = systemRandom }: SwapOptions): SwapSteps<Agreement> {
  const transcript = new Transcript()

  // 1 Fresh nonces make the session id.
  const { magic, version, nonce: theirs } = decode(opening, yield* transcript.receive(OPENING_LENGTH))
  if (!equal(magic, MAGIC) || version !== VERSION) throw stranger()
  const nonce = random(NONCE_LENGTH)
  yield* transcript.send(nonce)
  const sid = concat(theirs, nonce)

  // 2 CPace: each side's share of the secret.
  const peerShare = yield* transcript.receive(SHARE_LENGTH)
  const secret = makeShare(code, sid, random)
  const isk = agree(secret, sid, peerShare, 'listener')
  wipe(secret.scalar)
  yield* transcript.send(secret.share)
  const side = (of: SwapRole): Uint8Array => confirmation(sid, isk, sideOf(of, of === 'listener' ? secret.share : peerShare))

  // 3 The first confirmation to arrive, right or wrong, spends the code.
  const mac = yield* transcript.receive(MAC_LENGTH)
  const unspent = (yield { spend: true }) as boolean
  if (!unspent || !equal(mac, side('dialer'))) throw codeMismatch()
  yield* transcript.send(side('listener'))
  return { isk, transcriptHash: transcript.hash() }
}

interface Secret {
  readonly scalar: Uint8Array
  readonly share: Uint8Array
}

function makeShare(code: string, sid: Uint8Array, random: (length: number) => Uint8Array): Secret {
  const uniform = random(64)
  const scalar = scalarOf(uniform)
  wipe(uniform)
  return { scalar, share: share(generator(utf8(code), CHANNEL, sid), scalar) }
}

function sideOf(role: SwapRole, share: Uint8Array): { share: Uint8Array; data: Uint8Array } {
  return { share, data: ROLES[role].data }
}

function agree(secret: Secret, sid: Uint8Array, peerShare: Uint8Array, role: SwapRole): Uint8Array {
  const shared = sharedPoint(secret.scalar, peerShare)
  if (!shared) throw stranger()
  const [ours, theirs] = [sideOf(role, secret.share), sideOf(opposite(role), peerShare)]
  return role === 'dialer' ? sessionKey(sid, shared, ours, theirs) : sessionKey(sid, shared, theirs, ours)
}

interface SignedOffer {
  readonly spki: Uint8Array
  readonly name: Uint8Array
  readonly signature: Uint8Array
}

const signedOffer: Codec<SignedOffer> = struct({ spki: lp, name: lp, signature: lp })

function signedText(role: SwapRole, transcriptHash: Uint8Array, spki: Uint8Array, name: Uint8Array): Uint8Array {
  return concat(signatureContext('key swap'), Uint8Array.of(ROLES[role].byte), transcriptHash, lengthPrefixed(spki, name))
}

function* offerOf(role: SwapRole, options: SwapOptions, transcriptHash: Uint8Array): SwapSteps<Uint8Array> {
  const { spki } = options.publicKey
  const name = utf8(options.name)
  const signature = (yield { sign: signedText(role, transcriptHash, spki, name) }) as Uint8Array
  return encode(signedOffer, { spki, name, signature })
}

/** The key rules, the proof of possession and the form of the name; whom to trust is the driver's business. */
function checkOffer(role: SwapRole, plaintext: Uint8Array, transcriptHash: Uint8Array): Offer {
  const { spki, name, signature } = decode(signedOffer, plaintext)
  const publicKey = publicKeyFromSpki(spki)
  if (!equal(publicKey.spki, spki) || !verify(publicKey, signedText(role, transcriptHash, spki, name), signature)) {
    const hint = 'run the swap again; if this stays, the other side is not whom you think'
    throw new CliError('BAD_KEY', 'the other side does not hold the key that it offers; nothing was saved', hint)
  }
  const text = fromUtf8(name)
  if (text === undefined || !isName(text)) {
    const hint = 'the other side must call itself by 1 to 64 of a-z, 0-9, dot, underscore and hyphen: `keys init --name`'
    throw new CliError('BAD_KEY', `the other side calls itself ${JSON.stringify(text ?? '?')}; nothing was saved`, hint)
  }
  return { publicKey, name: text }
}

function* receiveAcceptance(theirs: SealedFrames): SwapSteps<void> {
  const [verdict] = yield* theirs.receive()
  if (verdict === VERDICT.accept) return
  throw new CliError('DECLINED', 'the other side declined; nothing was saved', 'ask the person at the other side why')
}

function* receiveSaved(theirs: SealedFrames): SwapSteps<boolean> {
  try {
    const [verdict] = yield* theirs.receive()
    return verdict === VERDICT.saved
  } catch {
    return false
  }
}

function codeMismatch(cause?: unknown): CliError {
  return new CliError(
    'CODE_MISMATCH',
    'the code was not the same on both sides, or someone in between tried one; it is spent, and nothing was saved',
    'take the new code that the listening side shows, and run it again',
    { cause },
  )
}
