/** One real session between two fresh identities in this process, kept whole: what was sent, and what it can be replayed with. */
import {
  generatePrivateKey,
  identity,
  type Algorithm,
  type Identity,
  type Journal,
  memoryJournal,
  type Receipt,
  secureClient,
  secureServer,
} from '@countersign/core'
import {
  aeadKey,
  concat,
  copy,
  type Entropy,
  FRAMES,
  type FrameName,
  HEADER_LENGTH,
  KEM_CIPHERTEXT_LENGTH,
  MemoryOutbox,
  open,
  type OutgoingEnvelope,
  systemEntropy,
  view,
} from '@countersign/core/protocol'
import { type Duplex, duplexPair } from 'node:stream'

export type Role = 'client' | 'server'

export function other(role: Role): Role {
  return role === 'client' ? 'server' : 'client'
}

/** What of a frame is sealed, and under which key. */
export interface Seal {
  /** The secret's name in the protocol: sHs, cHs, cAp or sAp. */
  readonly secret: string
  readonly seq: number
  /** Where in the frame it begins; it reaches to the frame's end, its last 16 bytes being the tag. */
  readonly at: number
  readonly plain: Uint8Array
}

export interface RecordedFrame {
  readonly from: Role
  readonly name: FrameName
  /** Header and body. */
  readonly bytes: Uint8Array
  /** Of every frame but HELLO. */
  readonly seal?: Seal
}

/** One side: a throw-away identity, and everything of chance that went into its session. */
export interface Party {
  readonly identity: Identity
  readonly outbox: MemoryOutbox
  readonly journal: Uint8Array
  /** The chance of its session, from the start. */
  readonly entropy: () => Entropy
}

export interface Recording {
  readonly client: Party
  readonly server: Party
  /** In the order in which they were sent. */
  readonly frames: readonly RecordedFrame[]
  /** What each side derived, by its name in the protocol; both derived the same. */
  readonly values: ReadonlyMap<string, Uint8Array>
  readonly envelope: OutgoingEnvelope
  readonly receipt: Receipt
  readonly sessionId: string
}

export interface RecordingOptions {
  readonly client: Algorithm
  readonly server: Algorithm
  /** The message: a text of at most 4096 bytes, so that it fits into one record. */
  readonly text: string
}

/** Opens a session by the same calls as any program does, sends one message, takes its receipt and closes. */
export async function record({ client: clientType, server: serverType, text }: RecordingOptions): Promise<Recording> {
  const [client, server] = [party(clientType), party(serverType)]
  const [left, right] = duplexPair()
  const heard: RecordedFrame[] = []
  overhear(right, 'client', heard)
  overhear(left, 'server', heard)
  const journals = { client: { ...memoryJournal(), id: client.journal }, server: { ...memoryJournal(), id: server.journal } }
  const values = new Map<string, Uint8Array>()
  const observe = (name: string, value: Uint8Array): void => void values.set(name, copy(value))
  let envelope: OutgoingEnvelope | undefined
  const outbox = watched(client.outbox, (sent) => (envelope = sent))
  const peers = { client: client.identity.publicKey, server: server.identity.publicKey }
  const options = ({ identity, entropy }: Party, journal: Journal) => ({ identity, entropy: entropy(), journal })
  const [session, served] = await Promise.all([
    secureClient(left, { ...options(client, journals.client), outbox, peer: peers.server, observe }),
    secureServer(right, { ...options(server, journals.server), outbox: server.outbox, peers: [peers.client] }),
  ])
  const receipt = await session.send(text, { contentType: 'text/plain' })
  await session.close()
  await served.closed
  const frames = heard.map((frame, i) => opened(frame, heard.slice(0, i), values))
  return { client, server, frames, values, envelope: envelope!, receipt, sessionId: session.id }
}

function party(algorithm: Algorithm): Party {
  const own = remembering(identity(generatePrivateKey(algorithm)))
  return {
    identity: own,
    outbox: new MemoryOutbox(own, Date.now),
    journal: systemEntropy.random(16),
    entropy: rememberingEntropy(),
  }
}

/** What was signed once is given again, without waiting: a replay signs what the session signed. */
function remembering(inner: Identity): Identity {
  const signatures = new Map<string, Uint8Array>()
  return {
    ...inner,
    sign(message) {
      const known = signatures.get(keyOf(message))
      if (known !== undefined) return known
      return Promise.resolve(inner.sign(message)).then((signature) => {
        signatures.set(keyOf(message), signature)
        return signature
      })
    },
  }
}

function keyOf(bytes: Uint8Array): string {
  return view(bytes).toString('latin1')
}

/** Chance that comes out the same each time it is begun anew. Each value is a copy, for core wipes some. */
function rememberingEntropy(): () => Entropy {
  const drawn: Uint8Array[] = []
  const made = new Map<string, unknown>()
  const once = <T>(name: string, make: () => T): T => {
    if (!made.has(name)) made.set(name, make())
    return made.get(name) as T
  }
  const { kem, random, wrap } = systemEntropy
  return () => {
    let draws = 0
    return {
      random: (length) => copy((drawn[draws++] ??= random(length))),
      kem: {
        generate: () =>
          once('key pair', () => {
            const { publicKey, decapsulate } = kem.generate()
            return {
              publicKey,
              decapsulate: (ciphertext) => {
                const secret = once(`of ${keyOf(ciphertext)}`, () => decapsulate(ciphertext))
                return secret && copy(secret)
              },
            }
          }),
        encapsulate(publicKey) {
          const encapsulated = once(`to ${keyOf(publicKey)}`, () => kem.encapsulate(publicKey))
          return encapsulated && { ciphertext: copy(encapsulated.ciphertext), sharedSecret: copy(encapsulated.sharedSecret) }
        },
      },
      wrap: (publicKey, secret, label) => once(`wrapped ${keyOf(label)}`, () => wrap(publicKey, secret, label)),
    }
  }
}

/** An outbox that tells which envelope it gives to be sent. */
function watched(outbox: MemoryOutbox, tell: (envelope: OutgoingEnvelope) => void): MemoryOutbox {
  const pending = outbox.pending.bind(outbox)
  outbox.pending = async function* (to, signal) {
    for await (const envelope of pending(to, signal)) {
      tell(envelope)
      yield envelope
    }
  }
  return outbox
}

/** Keeps the frames that come in at one end of a stream. */
function overhear(stream: Duplex, from: Role, frames: RecordedFrame[]): void {
  let rest: Uint8Array = new Uint8Array(0)
  stream.on('data', (chunk: Uint8Array) => {
    rest = concat(rest, chunk)
    for (let length = frameLength(rest); rest.length >= length; length = frameLength(rest)) {
      const bytes = copy(rest.subarray(0, length))
      frames.push({ from, name: frameName(bytes), bytes })
      rest = rest.subarray(length)
    }
  })
}

/** The length of the frame that begins here, or of a header where that is not there yet. */
function frameLength(bytes: Uint8Array): number {
  if (bytes.length < HEADER_LENGTH) return HEADER_LENGTH
  return HEADER_LENGTH + ((bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!)
}

/** The frame with what its seal holds. The server's handshake secret seals two frames, a traffic secret all of its records. */
function opened(frame: RecordedFrame, before: readonly RecordedFrame[], values: ReadonlyMap<string, Uint8Array>): RecordedFrame {
  const { name, from, bytes } = frame
  if (name === 'HELLO') return frame
  const own = before.filter((earlier) => earlier.from === from && (earlier.name === 'RECORD') === (name === 'RECORD'))
  const seq = own.filter((earlier) => earlier.name !== 'HELLO').length
  const secret = `${from[0]}${name === 'RECORD' ? 'Ap' : 'Hs'}`
  const at = name === 'HELLO+ACK' ? HEADER_LENGTH + 32 + KEM_CIPHERTEXT_LENGTH : HEADER_LENGTH
  const plain = open(aeadKey(values.get(secret)!), seq, bytes.subarray(0, HEADER_LENGTH), bytes.subarray(at))!
  return { ...frame, seal: { secret, seq, at, plain } }
}

function frameName(bytes: Uint8Array): FrameName {
  return (Object.keys(FRAMES) as FrameName[]).find((name) => FRAMES[name].type === bytes[0])!
}
