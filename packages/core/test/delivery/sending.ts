/** A sender over an outbox that a test fills, and receipts that it makes or forges. */
import { concat } from '../../src/bytes.ts'
import { random } from '../../src/crypto/hash.ts'
import { type Identity, pae } from '../../src/crypto/signature.ts'
import { nextChain } from '../../src/delivery/ledger.ts'
import { MemoryOutbox } from '../../src/delivery/memory-outbox.ts'
import type { Outbox } from '../../src/delivery/outbox.ts'
import type { Peer } from '../../src/handshake/step.ts'
import { Sender } from '../../src/delivery/sender.ts'
import type { OutgoingEnvelope } from '../../src/delivery/compose.ts'
import { encode } from '../../src/wire/codec.ts'
import type { Position } from '../../src/wire/frames.ts'
import { NO_POSITION } from '../../src/delivery/journal.ts'
import { type Outcome, RECEIPT_TYPE, type ReceiptStatement, receiptStatement } from '../../src/wire/receipt.ts'
import type { SignedStatement } from '../../src/wire/records.ts'
import { NOW, outboxId, receiver, sender } from './envelopes.ts'

export const peer: Peer = { keys: [receiver.publicKey] }

/** An outbox that holds these envelopes. */
export function outboxOf(...envelopes: readonly OutgoingEnvelope[]): Outbox & { readonly settled: number[] } {
  const memory = new MemoryOutbox(sender, () => NOW)
  const settled: number[] = []
  return {
    idFor: () => outboxId,
    settled,
    begin: () => Promise.resolve(),
    send: (to, body) => memory.send(to, body),
    idle: () => memory.idle(),
    async *pending(_, signal) {
      yield* envelopes
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
    chainHead: (to, journal) => memory.chainHead(to, journal),
    settle: (_, envelope) => (settled.push(envelope.first), Promise.resolve()),
    end: () => {},
  }
}

export interface Run {
  readonly sender: Sender
  /** What was sent, an envelope each. */
  readonly wire: Uint8Array[]
  /** The payload lengths of the records. */
  readonly lengths: number[]
  stop(): Promise<void>
}

export function run(outbox: Outbox, position: Position = NO_POSITION, hold?: (sent: number) => Promise<void> | undefined): Run {
  const wire: Uint8Array[] = []
  const lengths: number[] = []
  let parts: Uint8Array[] = []
  const sending = new Sender({
    outbox,
    outboxId: outbox.idFor() as Uint8Array,
    peer,
    ownKeys: [sender.publicKey],
    position,
    send: (kind, payload) => {
      parts.push(...payload)
      lengths.push(concat(...payload).length)
      if (kind === 'MESSAGE-END') {
        wire.push(concat(...parts))
        parts = []
      }
      return hold?.(lengths.length)
    },
  })
  const running = sending.run()
  return { sender: sending, wire, lengths, stop: () => (sending.stop(), running) }
}

export interface Forged extends Partial<ReceiptStatement> {
  readonly by?: Identity
  /** The chain before this receipt, where it is not the start. */
  readonly before?: Uint8Array
}

const journal = random(16)

export async function receiptFor(
  { digest, first, count, message }: OutgoingEnvelope,
  { by = receiver, before, ...change }: Forged = {},
): Promise<SignedStatement> {
  const link = { index: 1, digest, outcome: 1 as Outcome, receivedAt: NOW }
  const fields = { ...link, ...change }
  const statement = encode(receiptStatement, {
    from: receiver.publicKey.id,
    to: sender.publicKey.id,
    outbox: outboxId,
    first,
    count,
    journal,
    chain: nextChain(before ?? new Uint8Array(32), fields, message.signature),
    ...fields,
  })
  return { statement, signature: await by.sign(pae(RECEIPT_TYPE, statement)) }
}
