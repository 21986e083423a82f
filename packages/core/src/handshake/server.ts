/** The server's handshake; its steps bear the numbers of docs/PROTOCOL.md. */
import { concat, copy, equal, utf8 } from '../bytes.ts'
import { open, seal } from '../crypto/aead.ts'
import type { PublicKey } from '../crypto/keys.ts'
import { type Identity, verifyStandIn } from '../crypto/signature.ts'
import { PeerError } from '../errors.ts'
import { decode, encode } from '../wire/codec.ts'
import {
  clientPayload,
  frameHeader,
  type Hello,
  hello,
  helloAck,
  proof,
  refusal,
  serverPayload,
  sessionKey as sessionKeyBody,
  sessionKeyData,
  STATUS,
} from '../wire/frames.ts'
import {
  confirmKey,
  type HandshakeSecrets,
  handshakeSecrets,
  masterSecret,
  trafficSecrets,
  wipeHandshake,
} from './key-schedule.ts'
import { CLIENT_CONTEXT, type Established, keyOf, SERVER_CONTEXT, VerifiedPeer } from './peer.ts'
import {
  type Entropy,
  type Frame,
  frame,
  locate,
  type Observer,
  receive,
  send,
  sign,
  type Steps,
  systemEntropy,
  trust,
  type Trust,
} from './step.ts'
import { clientTranscript, confirmation, extend, gate, proofMac, sessionKeyLabel, transcript1 } from './transcript.ts'

/** What the server's handshake needs to know. */
export interface ServerHandshake {
  /** This server's identity, or during a rotation its identities: it answers as the one whose gate held. */
  readonly identities: readonly Identity[]
  /** This server's outbox: 16 bytes. */
  readonly outbox: Uint8Array
  /** The longest item that this side takes, in bytes. */
  readonly maxItem: number
  /** Whether this gate, which holds, is of a HELLO that was said before and is not to be answered; none where it is not said. */
  readonly heard?: (gate: Uint8Array) => boolean
  readonly entropy?: Entropy
  readonly observe?: Observer
}

/** @throws PeerError HELLO_REJECTED (send nothing, read on), FRAME, ENCODING, NOT_AUTHENTIC; and after a refusal was sent UNTRUSTED, REVOKED, BUSY, OWN_KEY */
export function* serverHandshake(options: ServerHandshake): Steps<Established> {
  const { identities, outbox, maxItem, heard = () => false, entropy = systemEntropy, observe = () => {} } = options

  // S1 Receive HELLO; before any other work check magic, version and gate. A stranger gets no byte, nor does a recording.
  const { start, identity, helloFrame } = yield* receiveHello(identities)
  if (heard(start.gate)) throw new PeerError('HELLO_REJECTED', 'this very HELLO was said before')
  const t1 = transcript1(helloFrame)
  observe('t1', t1)

  // S2 Encapsulate a shared secret to the client's ephemeral key; derive the handshake keys.
  const encapsulated = entropy.kem.encapsulate(start.kemPublic)
  if (encapsulated === undefined) throw new PeerError('HELLO_REJECTED', 'its X-Wing key is not valid')
  const { ciphertext: kemCiphertext, sharedSecret } = encapsulated
  const random = entropy.random(32)
  const t2k = extend(t1, frameHeader('HELLO+ACK'), random, kemCiphertext)
  observe('t2k', t2k)
  const secrets = handshakeSecrets(t2k, sharedSecret, observe)
  try {
    // S3 Send HELLO+ACK: the server's identity and proof.
    const payload = encode(serverPayload, { keyId: identity.publicKey.id, outbox })
    const ts = extend(t2k, payload)
    observe('ts', ts)
    const signature = yield* sign(identity, concat(SERVER_CONTEXT, ts))
    const plain = encode(proof, { payload, signature, mac: proofMac(secrets.server.finished, ts, signature) })
    const sealed = seal(secrets.server.aead, 0, frameHeader('HELLO+ACK'), plain)
    const t2 = extend(t2k, sealed)
    observe('t2', t2)
    yield* send(frame('HELLO+ACK', encode(helloAck, { random, kemCiphertext, sealed })))

    // S4 Receive ACK and open it; its padding and payload are checked first.
    const ack = yield* receive('ACK')
    const ackPlain = open(secrets.client.aead, 0, ack.header, ack.body)
    if (ackPlain === undefined) throw new PeerError('NOT_AUTHENTIC', 'ACK does not open')
    const clientProof = decode(proof, ackPlain)
    const client = decode(clientPayload, clientProof.payload)
    const tc = clientTranscript(t2, identity.publicKey.id, clientProof.payload)
    observe('tc', tc)
    const t3 = extend(t2, ack.header, ack.body)
    observe('t3', t3)

    // S5 Identify the client. Unknown, a wrong signature and a wrong MAC get one and the same refusal.
    const known = ownKey(identities, client.keyId) ?? (yield* trust(client.keyId))
    const macHolds = equal(clientProof.mac, proofMac(secrets.client.finished, tc, clientProof.signature))
    const verified = verifyKnown(known, client.keyId, concat(CLIENT_CONTEXT, tc), clientProof.signature)
    if (verified === undefined || !macHolds) throw yield* refuse(secrets, 'notTrusted')
    if ('own' in known!) throw yield* refuse(secrets, 'ownKey')
    if ('revoked' in known!) throw yield* refuse(secrets, 'revoked')
    const here = yield* locate(verified, client.outbox)
    if (here === undefined) throw yield* refuse(secrets, 'busy')

    // S6 Send SESSION-KEY: a fresh AES session key, encrypted to this client, and its confirmation.
    const sessionKey = entropy.random(32)
    observe('sessionKey', sessionKey)
    const wrapped = verified.key.algorithm === 'rsa' ? entropy.wrap(verified.key, sessionKey, sessionKeyLabel(t3)) : sessionKey
    const data = encode(sessionKeyData, { ...here, maxItem })
    const master = masterSecret(secrets.hs, t3, sessionKey)
    observe('master', master)
    const confirm = confirmation(confirmKey(master, t3), t3, wrapped, data)
    const keyPlain = encode(sessionKeyBody, { status: STATUS.accepted, wrapped, data, confirm })
    const keyFrame = frame('SESSION-KEY', seal(secrets.server.aead, 1, frameHeader('SESSION-KEY'), keyPlain))
    sessionKey.fill(0)
    keyPlain.fill(0)
    yield* send(keyFrame)

    // S7 Derive the traffic secrets.
    const t4 = extend(t3, keyFrame)
    observe('t4', t4)
    return {
      role: 'server',
      peer: verified,
      identity,
      secrets: trafficSecrets(master, t4, observe),
      maySend: client.receives === 1,
      mayReceive: true,
      peerOutbox: copy(client.outbox),
      announced: here.position,
      peerJournal: copy(client.journal),
      position: client.position,
      maxItem: client.maxItem,
    }
  } finally {
    wipeHandshake(secrets)
  }
}

interface GatedHello {
  readonly start: Hello
  readonly identity: Identity
  readonly helloFrame: Uint8Array
}

/** HELLO, and the identity whose gate holds; whatever is wrong with it is one error, on which nothing is sent. */
function* receiveHello(identities: readonly Identity[]): Steps<GatedHello> {
  try {
    const { header, body }: Frame = yield* receive('HELLO')
    const start = decode(hello, body)
    const helloFrame = concat(header, body)
    const gated = helloFrame.subarray(0, -32)
    const identity = identities.find(({ publicKey }) => equal(start.gate, gate(publicKey.id, gated)))
    if (identity === undefined) throw new PeerError('HELLO_REJECTED', 'its gate does not hold')
    return { start, identity, helloFrame }
  } catch (error) {
    if (!(error instanceof PeerError) || error.code === 'HELLO_REJECTED') throw error
    throw new PeerError('HELLO_REJECTED', error.message)
  }
}

type Known = Trust | { readonly own: PublicKey }

function ownKey(identities: readonly Identity[], keyId: Uint8Array): Known {
  const own = identities.find(({ publicKey }) => equal(publicKey.id, keyId))
  return own && { own: own.publicKey }
}

/** The client, verified as a key that is known; an unknown one costs the same work and is verified as nobody. */
function verifyKnown(known: Known, keyId: Uint8Array, signed: Uint8Array, signature: Uint8Array): VerifiedPeer | undefined {
  const peer = known && ('peer' in known ? known.peer : { keys: ['own' in known ? known.own : known.revoked] })
  const key = peer && keyOf(peer, keyId)
  if (key) return VerifiedPeer.verify(peer, key, signed, signature)
  verifyStandIn(signed, signature)
  return undefined
}

const REFUSALS = {
  notTrusted: ['UNTRUSTED', 'not trusted'],
  revoked: ['REVOKED', 'this key is revoked'],
  busy: ['BUSY', 'busy, try later'],
  ownKey: ['OWN_KEY', 'this is the key of the server itself'],
} as const

/** Sends a refusal, sealed and of the same size as an acceptance, and answers with the error to throw. */
function* refuse({ server }: HandshakeSecrets, why: keyof typeof REFUSALS): Steps<PeerError> {
  const [code, text] = REFUSALS[why]
  const plain = encode(refusal, { status: STATUS[why], text: utf8(text) })
  yield* send(frame('SESSION-KEY', seal(server.aead, 1, frameHeader('SESSION-KEY'), plain)))
  return new PeerError(code)
}
