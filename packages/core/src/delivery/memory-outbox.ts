/** An outbox in memory, for one session: what has no receipt when the session ends is given up, and said so. */
import { hex } from '../bytes.ts'
import { random } from '../crypto/hash.ts'
import type { Identity } from '../crypto/signature.ts'
import { LocalError, PeerError } from '../errors.ts'
import type { Peer } from '../handshake/step.ts'
import { MAX_COUNT } from '../wire/envelope.ts'
import { OUTCOME } from '../wire/receipt.ts'
import {
  composeEnvelope,
  composeItem,
  type MessageBody,
  type MessageOptions,
  type OutgoingEnvelope,
  type OutgoingItem,
} from './compose.ts'
import { CHAIN_START, type ChainHead, type EnvelopeReceipt, type Outbox, type Receipt, receiptOf } from './outbox.ts'

/** Items of an envelope of several messages are this long together at the most, so that receipts keep coming. */
export const BATCH_LENGTH: number = 1024 * 1024

interface Waiting {
  readonly item: OutgoingItem
  /** Sent in an envelope of its own: an envelope of several was refused. */
  readonly alone: boolean
  resolve(receipt: Receipt): void
  reject(error: Error): void
}

/** How many of the first in the queue go together in one envelope. */
export function batchSize(queue: readonly { readonly item: OutgoingItem; readonly alone: boolean }[], from = 0): number {
  let length = 0
  let count = 0
  for (let i = from; i < queue.length && count < MAX_COUNT; i++) {
    const { item, alone } = queue[i]!
    length += item.length
    if (count > 0 && (alone || length > BATCH_LENGTH)) break
    count += 1
    if (alone) break
  }
  return count
}

/** What an outcome that is no success means to the caller. */
export function outcomeError(receipt: Receipt): Error | undefined {
  const number = `number ${receipt.number}`
  switch (receipt.outcome) {
    case 'stored':
    case 'received':
      return undefined
    case 'refused':
      return new PeerError('MESSAGE_REFUSED', number, { cause: receipt })
    case 'conflict':
      return new PeerError('MESSAGE_CONFLICT', number, { cause: receipt })
    case 'withdrawn':
      return new LocalError('MESSAGE_WITHDRAWN', number, { cause: receipt })
  }
}

export class MemoryOutbox implements Outbox {
  readonly id: Uint8Array = random(16)
  readonly #identity: Identity
  readonly #now: () => number
  #queue: Waiting[] = []
  readonly #sent = new Map<number, readonly Waiting[]>()
  readonly #chains = new Map<string, ChainHead>()
  #next = 1
  #ended: Error | undefined
  #wake: (() => void) | undefined

  constructor(identity: Identity, now: () => number) {
    this.#identity = identity
    this.#now = now
  }

  idFor(): Uint8Array {
    return this.id
  }

  begin(): Promise<void> {
    return Promise.resolve()
  }

  send(_to: Peer, body: MessageBody, options?: MessageOptions): Promise<Receipt> {
    try {
      const composed = composeItem(body, options)
      return composed instanceof Promise ? composed.then((item) => this.#enqueue(item, false)) : this.#enqueue(composed, false)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #enqueue(item: OutgoingItem, alone: boolean): Promise<Receipt> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, alone, resolve, reject })
      this.#wake?.()
    })
  }

  async *pending(to: Peer, signal: AbortSignal): AsyncGenerator<OutgoingEnvelope> {
    signal.addEventListener('abort', () => this.#wake?.(), { once: true })
    while (!signal.aborted) {
      if (this.#queue.length === 0) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        this.#wake = undefined
        // All that is sent at this moment goes together.
        await Promise.resolve()
        continue
      }
      const waiting = this.#queue.splice(0, batchSize(this.#queue))
      const numbers = { to: to.keys.at(-1)!.id, outbox: this.id, first: this.#next, sentAt: this.#now() }
      this.#next += waiting.length
      this.#sent.set(numbers.first, waiting)
      yield await composeEnvelope(
        this.#identity,
        numbers,
        waiting.map(({ item }) => item),
      )
    }
  }

  chainHead(_to: Peer, journal: Uint8Array): Promise<ChainHead> {
    return Promise.resolve(this.#chains.get(hex(journal)) ?? CHAIN_START)
  }

  settle(_to: Peer, envelope: OutgoingEnvelope, receipt: EnvelopeReceipt): Promise<void> {
    const { journal, index, chain, outcome } = receipt.statement
    this.#chains.set(hex(journal), { index, chain })
    const waiting = this.#sent.get(envelope.first)!
    this.#sent.delete(envelope.first)
    const again = outcome === OUTCOME.refused && envelope.count > 1
    waiting.forEach((message, i) => {
      if (again) {
        this.#queue.push({ ...message, alone: true })
        return
      }
      const own = receiptOf(envelope, receipt, envelope.first + i)
      const error = outcomeError(own)
      if (error === undefined) message.resolve(own)
      else message.reject(error)
    })
    if (again) this.#wake?.()
    return Promise.resolve()
  }

  end(_to: Peer, why: Error): void {
    this.#ended = why
    for (const waiting of [...this.#sent.values(), this.#queue]) for (const { reject } of waiting) reject(why)
    this.#sent.clear()
    this.#queue = []
  }
}
