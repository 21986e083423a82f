/** The client's handshake; its steps bear the numbers of docs/PROTOCOL.md. */
import { concat, copy, equal, fromUtf8, printable, wipe } from '../bytes.ts'
import { open, seal } from '../crypto/aead.ts'
import type { Identity } from '../crypto/signature.ts'
import { PeerError } from '../errors.ts'
import { decode, encode } from '../wire/codec.ts'
import {
  clientPayload,
  frameHeader,
  hello,
  HELLO_START,
  helloAck,
  proof,
  refusal,
  serverPayload,
  sessionKey as sessionKeyBody,
  sessionKeyData,
  STATUS,
} from '../wire/frames.ts'
import { confirmKey, handshakeSecrets, masterSecret, trafficSecrets, wipeHandshake } from './key-schedule.ts'
import { CLIENT_CONTEXT, type Established, keyOf, SERVER_CONTEXT, VerifiedPeer } from './peer.ts'
import {
  type Entropy,
  frame,
  locate,
  type Observer,
  type Peer,
  receive,
  send,
  sign,
  type Steps,
  systemEntropy,
  unwrapKey,
} from './step.ts'
import { clientTranscript, confirmation, extend, gate, proofMac, sessionKeyLabel, transcript1 } from './transcript.ts'

/** What the client's handshake needs to know. */
export interface ClientHandshake {
  readonly identity: Identity
  /** The pinned server; its newest key is the one that the gate names. */
  readonly peer: Peer
  /** This client's outbox: 16 bytes. */
  readonly outbox: Uint8Array
  /** The longest item that this side takes, in bytes. */
  readonly maxItem: number
  /** Whether this session takes the server's messages. */
  readonly receives: boolean
  readonly entropy?: Entropy
  readonly observe?: Observer
}

/** @throws PeerError WRONG_PEER, OWN_KEY, NOT_AUTHENTIC, FRAME, ENCODING, UNTRUSTED, REVOKED, BUSY, REFUSED */
export function* clientHandshake(options: ClientHandshake): Steps<Established> {
  const { identity, peer, outbox, maxItem, receives, entropy = systemEntropy, observe = () => {} } = options
  const ownKeyId = identity.publicKey.id
  const serverKeyId = peer.keys.at(-1)!.id
  if (keyOf(peer, ownKeyId)) throw new PeerError('OWN_KEY')

  // C1 Make an ephemeral X-Wing key; send HELLO, its gate keyed with the server's public key.
  const ephemeral = entropy.kem.generate()
  const unsent = { ...HELLO_START, random: entropy.random(32), kemPublic: ephemeral.publicKey, gate: new Uint8Array(32) }
  const helloFrame = frame('HELLO', encode(hello, unsent))
  helloFrame.set(gate(serverKeyId, helloFrame.subarray(0, -32)), helloFrame.length - 32)
  const t1 = transcript1(helloFrame)
  observe('t1', t1)
  yield* send(helloFrame)

  // C2 Receive HELLO+ACK; decapsulate the shared secret; derive the handshake keys.
  const answer = yield* receive('HELLO+ACK')
  const { random, kemCiphertext, sealed: sealedServer } = decode(helloAck, answer.body)
  const t2k = extend(t1, answer.header, random, kemCiphertext)
  observe('t2k', t2k)
  const ss = ephemeral.decapsulate(kemCiphertext)
  if (ss === undefined) throw new PeerError('NOT_AUTHENTIC', 'an X25519 result of zero')
  const secrets = handshakeSecrets(t2k, ss, observe)
  try {
    // C3 Open the server's proof; go on only if it is the pinned server, and its signature and MAC hold.
    const serverPlain = open(secrets.server.aead, 0, answer.header, sealedServer)
    if (serverPlain === undefined) throw new PeerError('NOT_AUTHENTIC', 'HELLO+ACK does not open')
    const serverProof = decode(proof, serverPlain)
    const server = decode(serverPayload, serverProof.payload)
    if (!equal(server.keyId, serverKeyId)) throw new PeerError('WRONG_PEER', 'it answered as another key')
    const ts = extend(t2k, serverProof.payload)
    observe('ts', ts)
    const verified = VerifiedPeer.verify(peer, peer.keys.at(-1)!, concat(SERVER_CONTEXT, ts), serverProof.signature)
    if (verified === undefined) throw new PeerError('WRONG_PEER', 'its signature does not verify')
    if (!equal(serverProof.mac, proofMac(secrets.server.finished, ts, serverProof.signature))) {
      throw new PeerError('WRONG_PEER', 'its MAC does not verify')
    }
    const t2 = extend(t2k, sealedServer)
    observe('t2', t2)

    // C4 Send ACK: the client's identity and proof, and where it stands at the server's outbox.
    const here = yield* locate(peer, server.outbox)
    if (here === undefined) throw new PeerError('BUSY', 'this side cannot take messages now')
    const payload = encode(clientPayload, { keyId: ownKeyId, outbox, ...here, maxItem, receives: receives ? 1 : 0 })
    const tc = clientTranscript(t2, serverKeyId, payload)
    observe('tc', tc)
    const signature = yield* sign(identity, concat(CLIENT_CONTEXT, tc))
    const mac = proofMac(secrets.client.finished, tc, signature)
    const plain = encode(proof, { payload, signature, mac })
    const ackFrame = frame('ACK', seal(secrets.client.aead, 0, frameHeader('ACK'), plain))
    const t3 = extend(t2, ackFrame)
    observe('t3', t3)
    yield* send(ackFrame)

    // C5 Receive SESSION-KEY: a refusal, or the AES session key, encrypted to this client.
    const last = yield* receive('SESSION-KEY')
    const opened = open(secrets.server.aead, 1, last.header, last.body)
    if (opened === undefined) throw new PeerError('NOT_AUTHENTIC', 'SESSION-KEY does not open')
    if (opened[0] !== STATUS.accepted) throw refused(opened)
    const { wrapped, data, confirm } = decode(sessionKeyBody, opened)
    const { journal, position, maxItem: peerMaxItem } = decode(sessionKeyData, data)
    const sessionKey = yield* unwrapSessionKey(identity, wrapped, t3, entropy)
    observe('sessionKey', sessionKey)

    // C6 Check that the server holds the same keys; derive the traffic secrets.
    const master = masterSecret(secrets.hs, t3, sessionKey)
    observe('master', master)
    wipe(sessionKey)
    if (!equal(confirm, confirmation(confirmKey(master, t3), t3, wrapped, data))) {
      wipe(master)
      throw new PeerError('NOT_AUTHENTIC', 'the session key is not confirmed')
    }
    wipe(wrapped)
    const t4 = extend(t3, last.header, last.body)
    observe('t4', t4)
    return {
      role: 'client',
      peer: verified,
      identity,
      secrets: trafficSecrets(master, t4, observe),
      maySend: true,
      mayReceive: receives,
      peerOutbox: copy(server.outbox),
      announced: here.position,
      peerJournal: copy(journal),
      position,
      maxItem: peerMaxItem,
    }
  } finally {
    wipeHandshake(secrets)
  }
}

/** The session key; random bytes where OAEP fails, so that every failure ends alike, at `confirm`. */
function* unwrapSessionKey(identity: Identity, wrapped: Uint8Array, t3: Uint8Array, entropy: Entropy): Steps<Uint8Array> {
  const instead = entropy.random(32)
  const key = identity.unwrap ? yield* unwrapKey(identity, wrapped, sessionKeyLabel(t3)) : copy(wrapped)
  return key?.length === 32 ? key : instead
}

const REFUSALS = {
  [STATUS.notTrusted]: 'UNTRUSTED',
  [STATUS.revoked]: 'REVOKED',
  [STATUS.busy]: 'BUSY',
  [STATUS.ownKey]: 'OWN_KEY',
} as const

/** The server's refusal as an error; an unknown status is a refusal too. */
function refused(opened: Uint8Array): PeerError {
  const { status, text } = decode(refusal, opened)
  return new PeerError(REFUSALS[status as keyof typeof REFUSALS] ?? 'REFUSED', printable(fromUtf8(text) ?? 'not UTF-8'))
}
