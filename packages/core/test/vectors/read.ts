/** The published vectors as their files lay them out: byte strings in hexadecimal. vectors/README.md explains them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ack, Hello, HelloAck, Refusal, SessionKey, Traffic } from '../reference/handshake.ts'
import type { SignedMessage, SignedReceipt } from '../reference/envelope.ts'
import type { SealedRecord } from '../reference/records.ts'

export const folder: string = join(import.meta.dirname, '../../../../vectors')

/** A value with its byte strings in hexadecimal. */
export type Hex<T> = T extends Uint8Array
  ? string
  : T extends readonly (infer U)[]
    ? readonly Hex<U>[]
    : T extends object
      ? { readonly [K in keyof T]: Hex<T[K]> }
      : T

export interface IdentityVector {
  readonly algorithm: 'ed25519' | 'rsa' | 'ml-dsa-65'
  readonly privateKey: string
  readonly spki: string
  readonly keyId: string
}

export interface PositionVector {
  readonly next: number
  readonly offset: number
  readonly digest: string
}

interface SideVector {
  /** A name in identities.json. */
  readonly identity: string
  readonly outbox: string
  readonly journal: string
  readonly position: PositionVector
  readonly maxItem: number
}

export interface OpenedVector {
  readonly name: string
  readonly client: SideVector & { readonly receives: boolean }
  readonly server: SideVector
  readonly kem: {
    readonly mlkemSeed: string
    readonly x25519Private: string
    readonly publicKey: string
    readonly ciphertext: string
    readonly sharedSecret: string
  }
  readonly HELLO: Hex<Hello> & { readonly random: string }
  readonly 'HELLO+ACK': Hex<HelloAck> & { readonly random: string; readonly signature: string }
  readonly ACK: Hex<Ack> & { readonly signature: string }
}

export interface HandshakeVector extends OpenedVector {
  readonly 'SESSION-KEY': Hex<SessionKey> & { readonly sessionKey: string; readonly wrapped: string }
  readonly traffic: Hex<Traffic>
}

export interface RefusalVector extends OpenedVector {
  /** What the server knows of the client, or can do for it. */
  readonly why: 'unknown' | 'wrong signature' | 'revoked' | 'busy' | 'own key' | 'later version'
  readonly 'SESSION-KEY': Hex<Refusal> & { readonly status: number; readonly text: string }
}

export type RoleVector = 'client' | 'server'

export interface RecordVector extends Hex<SealedRecord> {
  readonly from: RoleVector
  readonly kind: number
  readonly payload: string
}

export interface RecordsVector {
  /** The handshake whose secrets these are. */
  readonly handshake: string
  readonly conversation: readonly RecordVector[]
  /** Records far along: each stands for itself. */
  readonly far: readonly Omit<RecordVector, 'from'>[]
}

export interface ItemVector {
  readonly salt: string
  readonly attributes: Readonly<Record<string, string>>
  /** Its bytes; or, of a long one, how many bytes it has: byte i is then i mod 251. */
  readonly body: string | number
  readonly length: number
  readonly leaf: string
}

export interface MessageVector extends Omit<Hex<SignedMessage>, 'leaves'> {
  readonly name: string
  readonly first: number
  readonly sentAt: number
  readonly items: readonly ItemVector[]
  readonly signature: string
}

export interface ReceiptVector extends Hex<SignedReceipt> {
  readonly outcome: number
  readonly receivedAt: number
  readonly index: number
  /** chain(index - 1) */
  readonly before: string
  readonly signature: string
}

export interface EnvelopeVector {
  /** The name of a message of this place. */
  readonly message: string
  readonly form: 'short' | 'withdrawn' | { readonly offset: number }
  /** All that travels before the items. */
  readonly head: string
  /** Where the connection is cut: so many bytes of items arrive, no MESSAGE-END, and no receipt follows. */
  readonly cut?: number
  /** The receipt that answers it, by its index. */
  readonly receipt?: number
}

export interface DeliveryVector {
  readonly name: string
  readonly sender: string
  readonly receiver: string
  readonly outbox: string
  readonly journal: string
  readonly durable: boolean
  /** A content-type that this receiver's policy refuses. */
  readonly refuses: string
  readonly messages: readonly MessageVector[]
  readonly sessions: readonly { readonly announced: PositionVector; readonly envelopes: readonly EnvelopeVector[] }[]
  readonly receipts: readonly ReceiptVector[]
}

export interface Vectors {
  readonly 'identities.json': { readonly identities: Readonly<Record<string, IdentityVector>> }
  readonly 'handshakes.json': { readonly handshakes: readonly HandshakeVector[] }
  readonly 'refusals.json': { readonly refusals: readonly RefusalVector[] }
  readonly 'records.json': RecordsVector
  readonly 'deliveries.json': { readonly deliveries: readonly DeliveryVector[] }
  /** What was random when the others were made. */
  readonly 'randomness.json': Readonly<Record<string, string>>
}

export function read<F extends keyof Vectors>(file: F): Vectors[F] {
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as Vectors[F]
}

export function bytesOf(hexadecimal: string): Buffer {
  return Buffer.from(hexadecimal, 'hex')
}

/** A value with its byte strings in hexadecimal, as the files have it. */
export function hexed<T>(value: T): Hex<T> {
  const convert = (part: unknown): unknown => {
    if (part instanceof Uint8Array) return Buffer.from(part).toString('hex')
    if (Array.isArray(part)) return part.map(convert)
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([name, field]) => [name, convert(field)]))
  }
  return convert(value) as Hex<T>
}

/** The bytes of a vector's body. */
export function bodyOf({ body }: Pick<ItemVector, 'body'>): Buffer {
  return typeof body === 'string' ? bytesOf(body) : Buffer.from(Array.from({ length: body }, (_, i) => i % 251))
}
