/** Envelopes: one signature over one or more messages (protocol section 8). */
import { concat, fromUtf8 } from '../bytes.ts'
import { bytes, checked, type Codec, lp, lp16, lp8, MAX_U64, Reader, struct, u32, u64 } from './codec.ts'

/** The payload type of a message statement's PAE. */
export const MESSAGE_TYPE = 'application/vnd.countersign.message.v1'
/** The length of an item's hash in a statement, in bytes. */
export const LEAF_LENGTH = 32
/** The most messages of one envelope. */
export const MAX_COUNT = 4096
/** The items of an envelope of several messages are at most this long together. */
export const MAX_BATCH: number = 16 * 1024 * 1024

/** What a sender signs: who to whom, which numbers, when, and the hash of every item. */
export interface MessageStatement {
  readonly from: Uint8Array
  readonly to: Uint8Array
  readonly outbox: Uint8Array
  /** The number of the first message. */
  readonly first: number
  /** Milliseconds since 1970, UTC. */
  readonly sentAt: number
  /** 32 bytes a message. */
  readonly leaves: Uint8Array
}

const start = checked(
  struct({ from: bytes(32), to: bytes(32), outbox: bytes(16), first: u64, sentAt: u64, count: u32 }),
  ({ first, count }) => first >= 1 && count >= 1 && count <= MAX_COUNT && first <= MAX_U64 - count,
  'numbers that cannot be',
)

/** The layout of a message statement: 100 bytes, then the leaves. */
export const messageStatement: Codec<MessageStatement> = {
  size: (value) => start.size({ ...value, count: 0 }) + value.leaves.length,
  write(value, target, at) {
    const behind = start.write({ ...value, count: countOf(value) }, target, at)
    target.set(value.leaves, behind)
    return behind + value.leaves.length
  },
  read(reader: Reader) {
    const { count, ...fields } = start.read(reader)
    return { ...fields, leaves: reader.take(LEAF_LENGTH * count) }
  },
}

/** The longest statement, of 4096 messages: 100 bytes and the leaves. */
export const MAX_STATEMENT: number = 100 + LEAF_LENGTH * MAX_COUNT

/** How many messages a statement is for. */
export function countOf({ leaves }: Pick<MessageStatement, 'leaves'>): number {
  return leaves.length / LEAF_LENGTH
}

/** The bytes that lead an envelope whose items follow: `LP(statement) || LP(signature) || offset || lengths`. */
export function envelopeHead(
  statement: Uint8Array,
  signature: Uint8Array,
  offset: number,
  lengths: readonly number[],
): Uint8Array {
  const head = new Uint8Array(lp.size(statement) + lp.size(signature) + 8 * (1 + lengths.length))
  let at = u64.write(offset, head, lp.write(signature, head, lp.write(statement, head, 0)))
  for (const length of lengths) at = u64.write(length, head, at)
  return head
}

/** The length of an item's salt, in bytes. */
export const SALT_LENGTH = 16
/** 0x00 || salt || LP16(attributes): the least that stands before a body. */
export const LEAST_ITEM: number = 1 + SALT_LENGTH + 2
/** The first byte of every item. */
export const ITEM_MARK = 0

/** Names and values of a message, beside its body. */
export type Attributes = ReadonlyMap<string, string>

// U+0000-001F, U+007F-009F, line and paragraph separators, and the controls that turn the direction of text.
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

/** Why these attributes cannot be sent; undefined where they can. */
export function attributesFault(attributes: Attributes): string | undefined {
  for (const [name, value] of attributes) {
    if (Buffer.byteLength(name) > 0xff) return `the attribute name ${name.slice(0, 20)}… is longer than 255 bytes`
    if (Buffer.byteLength(value) > 0xffff) return `the attribute ${name} is longer than 65,535 bytes`
    if (FORBIDDEN.test(name) || FORBIDDEN.test(value)) return `the attribute ${name} holds a control character`
    if (!name.isWellFormed() || !value.isWellFormed()) return `the attribute ${name} is not well-formed Unicode`
  }
  return encodeAttributes(attributes).length > 0xffff ? 'the attributes are longer than 65,535 bytes together' : undefined
}

/** `(LP8(name) || LP16(value))*`, names ascending bytewise. */
export function encodeAttributes(attributes: Attributes): Uint8Array {
  const rows = [...attributes].map(([name, value]) => [Buffer.from(name), Buffer.from(value)] as const)
  rows.sort(([a], [b]) => Buffer.compare(a, b))
  return concat(
    ...rows.flatMap(([name, value]) => [Uint8Array.of(name.length), name, Uint8Array.of(value.length >> 8, value.length), value]),
  )
}

const NONE: Attributes = new Map()

/** The attributes that these bytes hold; undefined where their form is wrong. */
export function decodeAttributes(encoded: Uint8Array): Attributes | undefined {
  if (encoded.length === 0) return NONE
  const attributes = new Map<string, string>()
  const reader = new Reader(encoded)
  let last: Uint8Array | undefined
  try {
    while (reader.left > 0) {
      const name = lp8.read(reader)
      const key = fromUtf8(name)
      const value = fromUtf8(lp16.read(reader))
      if (last !== undefined && Buffer.compare(last, name) >= 0) return undefined
      if (key === undefined || value === undefined || FORBIDDEN.test(key) || FORBIDDEN.test(value)) return undefined
      attributes.set(key, value)
      last = name
    }
  } catch {
    return undefined
  }
  return attributes
}

/** Where the salt stands in an item. */
export const SALT_AT = 1

/** `0x00 || salt || LP16(attributes)`: what stands before a message's body in its item. */
export function itemHead(salt: Uint8Array, encodedAttributes: Uint8Array): Uint8Array {
  const head = new Uint8Array(LEAST_ITEM + encodedAttributes.length)
  writeItemHead(head, 0, encodedAttributes)
  head.set(salt, SALT_AT)
  return head
}

/** The same but for its salt, written where an item starts. */
export function writeItemHead(target: Uint8Array, at: number, encodedAttributes: Uint8Array): void {
  target[at] = ITEM_MARK
  target[at + LEAST_ITEM - 2] = encodedAttributes.length >> 8
  target[at + LEAST_ITEM - 1] = encodedAttributes.length
  if (encodedAttributes.length > 0) target.set(encodedAttributes, at + LEAST_ITEM)
}

/** The parts of an item; undefined where its form is wrong. */
export interface ItemParts {
  readonly attributes: Attributes
  /** Where the body begins. */
  readonly bodyAt: number
}

/** One for all items without attributes. */
const BARE: ItemParts = { attributes: NONE, bodyAt: LEAST_ITEM }

/**
 * Reads the start of an item.
 *
 * @param available the item's first bytes, as many as are there
 * @param length the whole item's length in bytes
 * @returns 'more' where `available` does not hold all attributes yet, undefined where the form is wrong
 */
export function readItemHead(available: Uint8Array, length: number): ItemParts | 'more' | undefined {
  if (length < LEAST_ITEM) return undefined
  if (available.length < LEAST_ITEM) return 'more'
  if (available[0] !== ITEM_MARK) return undefined
  const bodyAt = LEAST_ITEM + ((available[LEAST_ITEM - 2]! << 8) | available[LEAST_ITEM - 1]!)
  if (bodyAt > length) return undefined
  if (available.length < bodyAt) return 'more'
  if (bodyAt === LEAST_ITEM) return BARE
  const attributes = decodeAttributes(available.subarray(LEAST_ITEM, bodyAt))
  return attributes && { attributes, bodyAt }
}
