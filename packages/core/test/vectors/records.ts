/** One conversation of both sides, every kind of record and key updates both ways; and records far along. */
import { concat, copy, hex } from '../../src/bytes.ts'
import { label } from '../../src/crypto/hash.ts'
import type { TrafficSecrets } from '../../src/handshake/key-schedule.ts'
import { Sealer } from '../../src/session/cipher.ts'
import { Session } from '../../src/session/session.ts'
import { encode, lengthPrefixed, u64 } from '../../src/wire/codec.ts'
import { KIND, type KindName, REASON, type SignedStatement } from '../../src/wire/records.ts'
import { nonceOf } from '../reference/primitives.ts'
import { secretsCopy } from '../harness/pair.ts'
import {
  bytesOf,
  type DeliveryVector,
  type HandshakeVector,
  type RecordsVector,
  type RecordVector,
  type RoleVector,
} from './read.ts'
import { fixed } from './tape.ts'

const nothing = new Uint8Array(0)

export function trafficOf({ traffic }: Pick<HandshakeVector, 'traffic'>): TrafficSecrets {
  const { cAp, sAp, sessionId } = traffic
  const secrets = { client: bytesOf(cAp.secret), server: bytesOf(sAp.secret), sessionId: bytesOf(sessionId) }
  return secrets as unknown as TrafficSecrets
}

/** The two sessions of the conversation, with the PINGs that the vectors have. */
export function conversing(handshake: HandshakeVector): Record<RoleVector, Session> {
  const session = (role: RoleVector): Session => {
    return new Session({
      role,
      secrets: secretsCopy(trafficOf(handshake)),
      mayReceive: true,
      now: 0,
      random: (length) => fixed(`PING of the ${role}`, length),
    })
  }
  return { client: session('client'), server: session('server') }
}

/** What the two say, in turn: each line makes one side write. */
export function script(
  envelope: Uint8Array,
  receipt: SignedStatement,
): readonly (readonly [RoleVector, (session: Session) => void])[] {
  return [
    // The client's PING is in its session from the start; the server's PONG answers it.
    ['client', () => {}],
    ['server', () => {}],
    ['client', (session) => session.send('MESSAGE', [envelope.subarray(0, 100)], 0)],
    ['client', (session) => session.updateKey(0)],
    ['client', (session) => session.send('MESSAGE-END', [envelope.subarray(100)], 0)],
    ['server', (session) => session.updateKey(0)],
    ['server', (session) => session.sendReceipt(receipt, 0)],
    ['server', (session) => session.ping(0)],
    ['client', () => {}],
    ['client', (session) => session.updateKey(0)],
    ['client', (session) => session.close(REASON.goingAway, 'going away', 0)],
    ['server', (session) => session.close(REASON.done, '', 0)],
  ]
}

/** Follows what one direction seals, key by key. */
class Direction {
  #secret: Uint8Array
  #seq = 0

  constructor(secret: Uint8Array) {
    this.#secret = secret
  }

  vector(from: RoleVector, kind: number, payload: Uint8Array, frame: Uint8Array): RecordVector {
    const sealed = sealedWith(this.#secret, this.#seq)
    this.#seq += 1
    if (kind === KIND['KEY-UPDATE']) {
      this.#secret = label(this.#secret, 'traffic update', nothing, 32)
      this.#seq = 0
    }
    return { from, kind, payload: hex(payload), ...sealed, frame: hex(frame) }
  }
}

function sealedWith(secret: Uint8Array, seq: number) {
  const iv = label(secret, 'iv', nothing, 12)
  return { secret: hex(secret), key: hex(label(secret, 'key', nothing, 32)), iv: hex(iv), seq, nonce: hex(nonceOf(iv, seq)) }
}

export function makeRecords(handshake: HandshakeVector, { messages, receipts, sessions }: DeliveryVector): RecordsVector {
  const [message, signed] = [messages[0]!, receipts[0]!]
  const item = concat(
    ...message.items.map(({ salt, body }) =>
      concat(Uint8Array.of(0), bytesOf(salt), Uint8Array.of(0, 0), bytesOf(body as string)),
    ),
  )
  const envelope = concat(bytesOf(sessions[0]!.envelopes[0]!.head), item)
  const receipt = { statement: bytesOf(signed.statement), signature: bytesOf(signed.signature) }
  const { client, server } = conversing(handshake)
  const sides = { client, server }
  const { client: cAp, server: sAp } = trafficOf(handshake)
  const directions = { client: new Direction(cAp), server: new Direction(sAp) }
  const pings = { client: fixed('PING of the client', 8), server: fixed('PING of the server', 8) }
  const payloads = [
    ['PING', pings.client],
    ['PONG', pings.client],
    ['MESSAGE', envelope.subarray(0, 100)],
    ['KEY-UPDATE', nothing],
    ['MESSAGE-END', envelope.subarray(100)],
    ['KEY-UPDATE', nothing],
    ['RECEIPT', lengthPrefixed(receipt.statement, receipt.signature)],
    ['PING', pings.server],
    ['PONG', pings.server],
    ['KEY-UPDATE', nothing],
    ['CLOSE', concat(Uint8Array.of(REASON.goingAway), lengthPrefixed(Buffer.from('going away')))],
    ['CLOSE', concat(Uint8Array.of(REASON.done), lengthPrefixed(nothing))],
  ] as const satisfies readonly (readonly [KindName, Uint8Array])[]
  const conversation = script(envelope, receipt).map(([from, act], i) => {
    act(sides[from])
    const frame = concat(...sides[from].takeOutput(0))
    for (const event of sides[from === 'client' ? 'server' : 'client'].receive(frame, 0)) void event
    const [kind, payload] = payloads[i]!
    return directions[from].vector(from, KIND[kind], payload, frame)
  })
  return { handshake: handshake.name, conversation, far: makeFar(bytesOf(handshake.traffic.sAp.secret)) }
}

/** PINGs at sequence numbers where an implementation may err. */
function makeFar(secret: Uint8Array): RecordsVector['far'] {
  return [255, 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 2].map((seq) => {
    const sealer = new Sealer(copy(secret))
    sealer.seq = seq
    const payload = encode(u64, seq)
    const frame = concat(...sealer.record(KIND.PING, [payload]))
    return { kind: KIND.PING, payload: hex(payload), ...sealedWith(secret, seq), frame: hex(frame) }
  })
}
