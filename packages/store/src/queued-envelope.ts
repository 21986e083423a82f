/** Envelopes between the outbox's table and what a session sends. */
import type { Identity, OutgoingEnvelope } from '@countersign/core'
import { composeEnvelope, concat, encode, type EnvelopeNumbers, type SignedStatement, u32 } from '@countersign/core/protocol'
import type { EnvelopeRow, NewEnvelope } from './outbox-rows.ts'
import type { KeptItem } from './spooled-body.ts'
import { type Item, readInTurns, splitItems } from './stored-message.ts'
import { give } from './writer.ts'

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
  readonly #items: readonly Item[]

  constructor(row: EnvelopeRow, pathOf: (file: string) => string) {
    const { id, serial, statement, signature, digest, first, count, withdrawn } = row
    this.id = id
    this.serial = serial
    this.message = { statement, signature }
    this.digest = digest
    this.first = first
    this.count = count
    this.withdrawn = withdrawn === 1
    this.#items = splitItems(row, pathOf) ?? []
    this.lengths = this.#items.map(({ length }) => length)
  }

  async *read(offset: number): AsyncGenerator<Uint8Array> {
    let skip = offset
    for (const { at, length } of this.#items) {
      if (at instanceof Uint8Array) yield at.subarray(skip)
      else yield* readInTurns(at.path, skip, length)
      skip = Math.max(0, skip - length)
    }
  }
}

/** Signs items as one envelope, ready for the table. */
export async function signEnvelope(
  identity: Identity,
  numbers: EnvelopeNumbers,
  items: readonly KeptItem[],
  serial: number | null,
): Promise<NewEnvelope> {
  const { message, digest, first, count, lengths } = await composeEnvelope(identity, numbers, items)
  const file = items[0]!.file ?? null
  return {
    first,
    count,
    serial,
    digest,
    statement: message.statement,
    signature: message.signature,
    at: numbers.sentAt,
    length: lengths.reduce((sum, length) => sum + length, 0),
    lengths: count > 1 ? concat(...lengths.map((length) => encode(u32, length))) : null,
    items: file === null ? give(concat(...items.map(({ bytes }) => bytes as Uint8Array))) : null,
    file,
  }
}
