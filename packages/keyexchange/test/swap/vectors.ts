/**
 * Makes vectors/swap.json: one whole swap from a fixed code, nonces, scalars and keys.
 *
 *     node packages/keyexchange/test/swap/vectors.ts > vectors/swap.json
 */
import { privateKeyPem, readPrivateKey } from '@countersign/core'
import { concat, extract, hex, label, lengthPrefixed, sha256 } from '@countersign/core/protocol'
import { confirmation, generator, lvCat, scalarOf, sessionKey, sharedPoint } from '../../src/swap/cpace.ts'
import { type SideLog, swapPair } from './pair.ts'

const CODE = 'abandon-ability-zoo'

interface FixedSide {
  readonly name: string
  readonly seed: Uint8Array
  readonly nonce: Uint8Array
  /** 64 bytes, of which the scalar is made */
  readonly uniform: Uint8Array
}

const SIDES: Readonly<Record<'dialer' | 'listener', FixedSide>> = {
  dialer: { name: 'ada', seed: counting(32, 0x10), nonce: counting(16, 0x40), uniform: counting(64, 0x60) },
  listener: { name: 'ben', seed: counting(32, 0x30), nonce: counting(16, 0x50), uniform: counting(64, 0xa0) },
}

function counting(length: number, from: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => from + i)
}

/** PKCS#8 of an Ed25519 seed (RFC 8410). */
function pkcs8(seed: Uint8Array): string {
  const der = concat(Buffer.from('302e020100300506032b657004220420', 'hex'), seed)
  return `-----BEGIN PRIVATE KEY-----\n${Buffer.from(der).toString('base64')}\n-----END PRIVATE KEY-----\n`
}

function sideOptions({ name, seed, nonce, uniform }: FixedSide): Parameters<typeof swapPair>[0]['dialer'] {
  const random = (length: number): Uint8Array => Uint8Array.from(length === nonce.length ? nonce : uniform)
  return { privateKey: readPrivateKey(pkcs8(seed)), name, code: CODE, random }
}

const STEPS = ['1 opening', '2 share', '3 confirmation', '5 offer, sealed', '6 accept, sealed', '7 saved, sealed']

function frames(log: SideLog): Record<string, string> {
  return Object.fromEntries(log.sent.map((frame, i) => [STEPS[i]!, hex(frame)]))
}

/** Every value of the run, in the order in which docs/KEYS.md names them. */
export async function swapVectors(): Promise<object> {
  const { dialer, listener } = SIDES
  const options = { dialer: sideOptions(dialer), listener: sideOptions(listener) }
  const logs = await swapPair(options)
  const sid = concat(dialer.nonce, listener.nonce)
  const channel = lvCat(...['countersign/1 swap', 'dialer', 'listener'].map((text) => Buffer.from(text)))
  const share = (log: SideLog): Uint8Array => log.sent[1]!.subarray(2)
  const initiator = { share: share(logs.dialer), data: Buffer.from('dialer') }
  const responder = { share: share(logs.listener), data: Buffer.from('listener') }
  const shared = sharedPoint(scalarOf(dialer.uniform), responder.share)!
  const sharedHex = hex(shared)
  const isk = sessionKey(sid, shared, initiator, responder)
  const clear = [0, 1, 2].flatMap((i) => [logs.dialer.sent[i]!, logs.listener.sent[i]!])
  const transcriptHash = sha256(lengthPrefixed(...clear))
  const prk = extract(transcriptHash, isk)
  const secret = (name: string): string => hex(label(prk, name, transcriptHash, 32))
  const fixed = ({ name, nonce, uniform }: FixedSide, { privateKey }: typeof options.dialer): object => ({
    name,
    privateKey: privateKeyPem(privateKey),
    spki: hex(privateKey.publicKey.spki),
    nonce: hex(nonce),
    uniform: hex(uniform),
    scalar: hex(scalarOf(uniform)),
  })
  return {
    description: 'One swap of Ed25519 keys, whole frames with their headers; binary values in hexadecimal',
    code: CODE,
    dialer: fixed(dialer, options.dialer),
    listener: fixed(listener, options.listener),
    sid: hex(sid),
    CI: hex(channel),
    generator: hex(generator(Buffer.from(CODE), channel, sid)),
    K: sharedHex,
    ISK: hex(isk),
    Ta: hex(confirmation(sid, isk, initiator)),
    Tb: hex(confirmation(sid, isk, responder)),
    transcriptHash: hex(transcriptHash),
    prk: hex(prk),
    'swap dialer': secret('swap dialer'),
    'swap listener': secret('swap listener'),
    frames: { dialer: frames(logs.dialer), listener: frames(logs.listener) },
  }
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await swapVectors(), null, 2)}\n`)
