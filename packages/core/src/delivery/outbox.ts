/** What a sender keeps, and the contract that every outbox fulfils. */
import type { PublicKey } from '../crypto/keys.ts'
import type { Peer } from '../handshake/step.ts'
import type { Position } from '../wire/frames.ts'
import { type OutcomeName, outcomeName, type ReceiptStatement } from '../wire/receipt.ts'
import type { SignedStatement } from '../wire/records.ts'
import type { MessageBody, MessageOptions, OutgoingEnvelope } from './compose.ts'
import { claimedDate } from './message.ts'

/** A receipt that has been verified: the receiver's signed word on what became of a message. */
export interface Receipt {
  /** 'stored' where the receiver holds it durably, 'received' where it holds it in memory. */
  readonly outcome: OutcomeName
  /** The number of the message that it is for. */
  readonly number: number
  /** When the receiver says that it came: a claim. */
  readonly receivedAt: Date
  readonly statement: ReceiptStatement
  /** The evidence: what the receiver signed, and what the sender had signed. */
  readonly receipt: SignedStatement
  readonly message: SignedStatement
}

/** A verified receipt of an envelope. */
export interface EnvelopeReceipt {
  readonly receipt: SignedStatement
  readonly statement: ReceiptStatement
  readonly key: PublicKey
}

/** The receipts of an envelope's messages, by their numbers: they differ in nothing else. */
export function receiptsOf({ message }: OutgoingEnvelope, { receipt, statement }: EnvelopeReceipt): (number: number) => Receipt {
  const receivedAt = claimedDate(statement.receivedAt)
  const outcome = outcomeName(statement.outcome)
  const common = { outcome, receivedAt, statement, receipt, message }
  return (number) => new VerifiedReceipt(common, number)
}

/** One for each message. */
class VerifiedReceipt implements Receipt {
  readonly outcome: OutcomeName
  readonly number: number
  readonly receivedAt: Date
  readonly statement: ReceiptStatement
  readonly receipt: SignedStatement
  readonly message: SignedStatement

  constructor({ outcome, receivedAt, statement, receipt, message }: Omit<Receipt, 'number'>, number: number) {
    this.outcome = outcome
    this.number = number
    this.receivedAt = receivedAt
    this.statement = statement
    this.receipt = receipt
    this.message = message
  }
}

/** The receipt of one of an envelope's messages, by its number. */
export function receiptOf(envelope: OutgoingEnvelope, receipt: EnvelopeReceipt, number: number): Receipt {
  return receiptsOf(envelope, receipt)(number)
}

/** What a session's handshake said of where its receiver stands. */
export interface SendingSession {
  /** The outbox id that this side announced. */
  readonly outbox: Uint8Array
  /** The receiver's journal, and where it stands at that outbox. */
  readonly journal: Uint8Array
  readonly position: Position
  /** What the outbox's `mark` was before that handshake, where it has one. */
  readonly mark?: number
}

/** The end of a chain of receipts. */
export interface ChainHead {
  readonly index: number
  readonly chain: Uint8Array
  /**
   * Receipts behind this one are missing, as the outbox knows; or perhaps, where it may be an older copy of itself: then a
   * conflict shows it. Neither where it is not said.
   */
  readonly incomplete?: true | 'perhaps'
}

/** The end of a chain before its first receipt. */
export const CHAIN_START: ChainHead = { index: 0, chain: new Uint8Array(32) }

/**
 * A sender's queue: it numbers and signs messages for each receiver, and forgets none before its receipt.
 *
 * A number is signed once; the first signature is the one that is sent again.
 */
export interface Outbox {
  /**
   * The outbox id, of 16 random bytes, that a session with this receiver announces; without one, that which a server
   * announces to all its clients.
   */
  idFor(to?: Peer): Uint8Array | Promise<Uint8Array>
  /**
   * Grows with each receipt that is kept, whichever session and process keeps it. It is asked before a handshake, and `begin` is
   * given it back: of what an older session has settled since, that receiver's position may tell nothing yet. An outbox that
   * no two sessions share needs none.
   */
  mark?(): number | Promise<number>
  /**
   * A session with the receiver begins.
   *
   * @throws PeerError SERVER_REGRESSED, LocalError OUTBOX_BEHIND where this session cannot be used to send: the next one can
   */
  begin(to: Peer, session: SendingSession): Promise<void>
  /**
   * Queues a message; resolves with its verified receipt of outcome 1 or 2.
   *
   * @throws LocalError MESSAGE_FORM, MESSAGE_WITHDRAWN, PeerError MESSAGE_REFUSED, MESSAGE_CONFLICT
   */
  send(to: Peer, body: MessageBody, options?: MessageOptions): Promise<Receipt>
  /** Resolves when nothing that was sent to this receiver waits for its receipt, or has come to nothing. */
  idle(to: Peer): Promise<unknown>
  /**
   * All that has no receipt at the place of the session that began last, in the order of its numbers, then what comes,
   * until the signal is aborted.
   *
   * @throws as begin does, once nothing is left that this session can send
   */
  pending(to: Peer, signal: AbortSignal): AsyncIterable<OutgoingEnvelope>
  /** The end of the chain of receipts that is held for this journal of the receiver's. */
  chainHead(to: Peer, journal: Uint8Array): Promise<ChainHead>
  /**
   * Keeps a verified receipt. Called in the order of the envelopes' numbers, and again before the last one is kept:
   * receipts that wait may share a commit.
   */
  settle(to: Peer, envelope: OutgoingEnvelope, receipt: EnvelopeReceipt): Promise<void>
  /**
   * Whether this very receipt is what the envelope was settled with already, in another session: it stands further back in the
   * chain then. An outbox that no two sessions share needs no answer.
   */
  holds?(to: Peer, envelope: OutgoingEnvelope, receipt: SignedStatement): Promise<boolean>
  /** The session is over. */
  end(to: Peer, why: Error): void
}
