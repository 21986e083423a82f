/** Sends what an outbox holds, and checks the receipts (protocol sections 8 and 9). */
import { concat, equal, hex } from '../bytes.ts'
import type { PublicKey } from '../crypto/keys.ts'
import { lentPae, verify } from '../crypto/signature.ts'
import { PeerError } from '../errors.ts'
import type { Peer } from '../handshake/step.ts'
import { decode, encode, lengthPrefixed, u64OrMark, WITHDRAWN_MARK } from '../wire/codec.ts'
import { envelopeHead } from '../wire/envelope.ts'
import type { Position } from '../wire/frames.ts'
import { OUTCOME, RECEIPT_TYPE, type ReceiptStatement, receiptStatement } from '../wire/receipt.ts'
import { kept, MAX_PAYLOAD, type SignedStatement } from '../wire/records.ts'
import type { OutgoingEnvelope } from './compose.ts'
import { nextChain } from './ledger.ts'
import type { ChainHead, Outbox } from './outbox.ts'

/** Whose messages are sent in one session, to whom, and how. */
export interface SenderOptions {
  readonly outbox: Outbox
  /** The outbox id that this session announced. */
  readonly outboxId: Uint8Array
  readonly peer: Peer
  /** Every key of this side's own chain, which a receipt may name in `to`. */
  readonly ownKeys: readonly PublicKey[]
  /** Where the peer said, in this session's handshake, that it stands at this outbox. */
  readonly position: Position
  /** Queues one record; resolves when there is room for more. */
  readonly send: (kind: 'MESSAGE' | 'MESSAGE-END', payload: readonly Uint8Array[]) => Promise<void> | undefined
}

/** Envelopes that may wait for their receipts at a time. */
const MOST_IN_FLIGHT = 64

class InFlight {
  readonly envelope: OutgoingEnvelope
  /** Its receipt came while it was still being sent: what is left of it need not travel. */
  answered = false

  constructor(envelope: OutgoingEnvelope) {
    this.envelope = envelope
  }
}

/** Sends the envelopes of one session and checks their receipts. */
export class Sender {
  readonly #options: SenderOptions
  /** Made when there is something to stop: most of a server's sessions never send. */
  #abort: AbortController | undefined
  #stopped = false
  readonly #inFlight: InFlight[] = []
  readonly #chains = new Map<string, ChainHead>()
  #checked: Promise<void> = Promise.resolve()
  #kept: Promise<void> = Promise.resolve()
  /** Resolves when all receipts so far are kept. */
  settled: Promise<unknown> = Promise.resolve()
  #wake: (() => void) | undefined

  constructor(options: SenderOptions) {
    this.#options = options
  }

  /** Sends until `stop`. */
  async run(): Promise<void> {
    const { outbox, peer } = this.#options
    if (this.#stopped) return
    this.#abort = new AbortController()
    for await (const envelope of outbox.pending(peer, this.#abort.signal)) {
      if (this.#stopped) return
      await this.#send(envelope)
      while (this.#inFlight.length >= MOST_IN_FLIGHT && !this.#stopped) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    }
  }

  /** No further envelope is begun; receipts are still taken. */
  stop(): void {
    // A reason of one's own: the default one is an error with a stack, made for every session.
    this.#stopped = true
    this.#abort?.abort('stopped')
    this.#wake?.()
  }

  async #send(envelope: OutgoingEnvelope): Promise<void> {
    const { position, send } = this.#options
    const { message, digest, first, lengths, withdrawn } = envelope
    const flight = new InFlight(envelope)
    this.#inFlight.push(flight)
    const signed = lengthPrefixed(message.statement, message.signature)
    if (first < position.next) return this.#sendWhole(signed)
    if (withdrawn) return this.#sendWhole(concat(signed, encode(u64OrMark, WITHDRAWN_MARK)))
    const total = lengths.reduce((sum, length) => sum + length, 0)
    const resumes = first === position.next && equal(digest, position.digest) && position.offset <= total
    const offset = resumes ? position.offset : 0
    const packer = new Packer()
    for (const part of packer.add(envelopeHead(message.statement, message.signature, offset, lengths))) {
      await send('MESSAGE', part)
    }
    for await (const piece of envelope.read(offset)) {
      for (const part of packer.add(piece)) {
        if (flight.answered || this.#stopped) return flight.answered ? send('MESSAGE-END', []) : undefined
        const room = send('MESSAGE', part)
        if (room !== undefined) await room
      }
    }
    await send('MESSAGE-END', packer.rest())
  }

  /** An envelope without items: its statement alone may be longer than a record. */
  async #sendWhole(envelope: Uint8Array): Promise<void> {
    const { send } = this.#options
    const packer = new Packer()
    for (const part of packer.add(envelope)) await send('MESSAGE', part)
    await send('MESSAGE-END', packer.rest())
  }

  /**
   * Takes a receipt. They are checked one after the other; those that wait to be kept are kept together.
   *
   * @returns when this one and all before it are kept
   * @throws PeerError RECEIPT, ENCODING, BAD_SIGNATURE
   */
  receipt(receipt: SignedStatement): Promise<unknown> {
    // The bytes are kept for good, and must not hold on to the buffer that they came in.
    const own = kept(receipt.statement, receipt.signature)
    this.#checked = this.#checked.then(() => this.#accept(own))
    this.settled = this.#checked.then(() => this.#kept)
    return this.settled
  }

  async #accept(receipt: SignedStatement): Promise<void> {
    const { outbox, peer } = this.#options
    const flight = this.#inFlight[0]
    if (flight === undefined) throw new PeerError('RECEIPT', 'nothing was sent that it could be for')
    const statement = decode(receiptStatement, receipt.statement)
    const key = this.#check(flight.envelope, statement, receipt)
    const journal = hex(statement.journal)
    const head = this.#chains.get(journal) ?? (await outbox.chainHead(peer, statement.journal))
    const next = continued(head, flight.envelope, statement)
    if (next === undefined && !(await outbox.holds?.(peer, flight.envelope, receipt))) {
      throw new PeerError('RECEIPT', 'it does not continue the chain of its journal')
    }
    this.#chains.set(journal, next ?? head)
    const kept = outbox.settle(peer, flight.envelope, { receipt, statement, key })
    // Its value is nothing: one that held the value before it would hold those of the whole session.
    this.#kept = Promise.all([this.#kept, kept]).then(() => {})
    // A failure is told by `settled`.
    this.#kept.catch(() => {})
    flight.answered = true
    this.#inFlight.shift()
    this.#wake?.()
  }

  #check({ digest, first, count }: OutgoingEnvelope, statement: ReceiptStatement, receipt: SignedStatement): PublicKey {
    const { outboxId, peer, ownKeys } = this.#options
    const key = peer.keys.find(({ id }) => equal(id, statement.from))
    if (key === undefined) throw new PeerError('RECEIPT', 'not from this peer')
    if (!ownKeys.some(({ id }) => equal(id, statement.to))) throw new PeerError('RECEIPT', 'to another sender')
    if (!equal(statement.outbox, outboxId)) throw new PeerError('RECEIPT', 'of another outbox')
    if (statement.first !== first || statement.count !== count || !equal(statement.digest, digest)) {
      throw new PeerError('RECEIPT', 'for another envelope')
    }
    if (!verify(key, lentPae(RECEIPT_TYPE, receipt.statement), receipt.signature))
      throw new PeerError('BAD_SIGNATURE', 'of a receipt')
    return key
  }
}

/** Where the chain of a journal stands with this receipt; undefined where that does not continue it. */
function continued(head: ChainHead, { message }: OutgoingEnvelope, statement: ReceiptStatement): ChainHead | undefined {
  const { index, chain } = statement
  const continues = index === head.index + 1 && equal(chain, nextChain(head.chain, statement, message.signature))
  // A conflict shows to who may be an older copy that receipts are missing here: that of the other envelope is.
  const missing = head.incomplete === 'perhaps' ? statement.outcome === OUTCOME.conflict : head.incomplete === true
  if (!continues && !(missing && index > head.index + 1)) return undefined
  return { ...(continues && head), index, chain }
}

/** Cuts a stream of pieces into payloads of the full length, without copying. */
class Packer {
  #pieces: Uint8Array[] = []
  #length = 0

  rest(): Uint8Array[] {
    const pieces = this.#pieces
    this.#pieces = []
    this.#length = 0
    return pieces
  }

  *add(piece: Uint8Array): Generator<Uint8Array[]> {
    let rest = piece
    while (this.#length + rest.length > MAX_PAYLOAD) {
      const room = MAX_PAYLOAD - this.#length
      if (room > 0) this.#pieces.push(rest.subarray(0, room))
      rest = rest.subarray(room)
      yield this.rest()
    }
    if (rest.length > 0) this.#pieces.push(rest)
    this.#length += rest.length
  }
}
