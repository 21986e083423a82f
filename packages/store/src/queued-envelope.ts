/** Envelopes between the outbox's table and what a session sends. */
import { type Identity, LocalError, type OutgoingEnvelope } from '@countersign/core'
import { Batch, composeEnvelope, type EnvelopeNumbers, type SignedStatement, signItems } from '@countersign/core/protocol'
import type { EnvelopeRow, NewEnvelope } from './outbox-rows.ts'
import type { LongItem } from './spooled-body.ts'
import { readInTurns, readLengths, writeLengths } from './stored-message.ts'

/** What is known of an envelope in the outbox, of what its session needs. */
export type EnvelopeToSend = Pick<EnvelopeRow, (keyof EnvelopeRow & keyof NewEnvelope) | 'id' | 'serial' | 'withdrawn'>

/** An envelope that waits for its receipt. */
export class QueuedEnvelope implements OutgoingEnvelope {
  readonly id: number
  readonly serial: number
  readonly message: SignedStatement
  readonly digest: Uint8Array
  readonly first: number
  readonly count: number
  readonly lengths: readonly number[]
  readonly withdrawn: boolean
  readonly #held: { readonly items: Uint8Array | null; readonly path: string | undefined; readonly length: number }

  constructor(row: EnvelopeToSend, pathOf: (file: string) => string) {
    const { id, serial, statement, signature, digest, first, count, withdrawn, length, items, file } = row
    this.id = id
    this.serial = serial
    this.message = { statement, signature }
    this.digest = digest
    this.first = first
    this.count = count
    this.withdrawn = withdrawn === 1
    this.lengths = readLengths(row)
    this.#held = { items, path: file === null ? undefined : pathOf(file), length }
  }

  /** Bytes of its items. */
  get length(): number {
    return this.#held.length
  }

  async *read(offset: number): AsyncGenerator<Uint8Array> {
    const { items, path, length } = this.#held
    if (items !== null) yield items.subarray(offset)
    else if (path !== undefined) {
      try {
        yield* readInTurns(path, offset, length)
      } catch (cause) {
        // What comes behind it waits until somebody has dropped it.
        throw new LocalError('STORAGE', `message ${this.serial} of the outbox: ${(cause as Error).message}`, { cause })
      }
    }
  }
}

/** Signs items as one envelope, ready for the table. */
export async function signEnvelope(
  identity: Identity,
  numbers: EnvelopeNumbers,
  items: Batch | LongItem,
  serial: number | null,
): Promise<NewEnvelope> {
  const whole = items instanceof Batch
  const signing = whole ? signItems(identity, numbers, items) : composeEnvelope(identity, numbers, [items])
  const { message, digest, first, count, lengths } = await signing
  return {
    first,
    count,
    serial,
    digest,
    statement: message.statement,
    signature: message.signature,
    at: numbers.sentAt,
    ...writeLengths(lengths),
    items: whole ? items.bytes : null,
    file: whole ? null : items.file,
  }
}
