/** An outbox in memory, for one session: what has no receipt when the session ends is given up, and said so. */
import { copy, hex } from '../bytes.ts'
import { random } from '../crypto/hash.ts'
import type { Identity } from '../crypto/signature.ts'
import { LocalError, PeerError } from '../errors.ts'
import type { Peer } from '../handshake/step.ts'
import { OUTCOME } from '../wire/receipt.ts'
import { Batch } from './batch.ts'
import {
  attributesOf,
  composeEnvelope,
  composeItem,
  type MessageBody,
  type MessageOptions,
  type OutgoingEnvelope,
  type OutgoingItem,
  signItems,
} from './compose.ts'
import { CHAIN_START, type ChainHead, type EnvelopeReceipt, type Outbox, type Receipt, receiptsOf } from './outbox.ts'

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

/**
 * What becomes one envelope, and those who wait for its receipt.
 *
 * A class, as what else is made for each envelope or message: of a literal the engine guesses by its place in the code how
 * long it stays. In a burst it guesses wrong, and what it takes for lasting keeps all that it holds from the quick collector.
 */
class Waiting {
  readonly items: Batch | OutgoingItem
  /** Told what each of the messages comes to, in their order. */
  readonly settle: ((outcome: Receipt | Promise<Receipt>) => void)[] = []
  readonly sends: Promise<Receipt>[] = []

  constructor(items: Batch | OutgoingItem) {
    this.items = items
  }
}

/** A Blob up to this length is read once and goes together with others. */
const SMALL_BLOB = 64 * 1024

/** An outbox in memory, for one session. */
export class MemoryOutbox implements Outbox {
  readonly id: Uint8Array = copy(random(16))
  readonly #identity: Identity
  readonly #now: () => number
  #queue: Waiting[] = []
  /** What was sent and has no receipt, in its order. */
  readonly #sent: Waiting[] = []
  /** Made with the first receipt: most of a server's sessions never send. */
  #chains: Map<string, ChainHead> | undefined
  #next = 1
  #ended: Error | undefined
  /** Sends that have come to nothing yet. */
  #unsettled = 0
  #whenIdle: (() => void)[] = []
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
      if (!(body instanceof Blob)) return this.#sendBytes(body, attributesOf(options))
      const sending = this.#sendBlob(body, options)
      sending.catch(() => {})
      return sending
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async #sendBlob(body: Blob, options?: MessageOptions): Promise<Receipt> {
    this.#unsettled += 1
    try {
      if (body.size <= SMALL_BLOB) return await this.#sendBytes(await body.bytes(), attributesOf(options))
      return await this.#sendAlone(await composeItem(body, options))
    } finally {
      this.#settled()
    }
  }

  #sendBytes(body: string | Uint8Array, attributes: Uint8Array): Promise<Receipt> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const length = Batch.itemLength(body, attributes)
    let last = this.#queue.at(-1)
    if (last === undefined || !(last.items instanceof Batch) || !last.items.takes(length)) last = this.#enqueue(new Batch())
    ;(last.items as Batch).add(body, attributes, length)
    return this.#outcomeOf(last)
  }

  #sendAlone(item: OutgoingItem): Promise<Receipt> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    return this.#outcomeOf(this.#enqueue(item))
  }

  /** What the newest message of an envelope comes to. One promise a message, and one turn of the loop for all of them. */
  #outcomeOf({ settle, sends }: Waiting): Promise<Receipt> {
    this.#unsettled += 1
    const sending = new Promise<Receipt>((resolve) => settle.push(resolve))
    sends.push(sending)
    return sending
  }

  #tell({ settle, sends }: Waiting, i: number, outcome: Receipt | Promise<Receipt>): void {
    // Who sends and does not ask for the outcome is no reason to end the process.
    if (outcome instanceof Promise) sends[i]!.catch(() => {})
    settle[i]!(outcome)
    this.#settled()
  }

  #settled(): void {
    this.#unsettled -= 1
    if (this.#unsettled === 0) for (const tell of this.#whenIdle.splice(0)) tell()
  }

  idle(): Promise<void> {
    return this.#unsettled === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve))
  }

  #enqueue(items: Batch | OutgoingItem): Waiting {
    const waiting = new Waiting(items)
    this.#queue.push(waiting)
    this.#wake?.()
    return waiting
  }

  async *pending(to: Peer, signal: AbortSignal): AsyncGenerator<OutgoingEnvelope> {
    signal.addEventListener('abort', () => this.#wake?.(), { once: true })
    while (!signal.aborted) {
      const waiting = this.#queue.shift()
      if (waiting === undefined) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        this.#wake = undefined
        // All that is sent at this moment goes together.
        await Promise.resolve()
        continue
      }
      const { items } = waiting
      const numbers = { to: to.keys.at(-1)!.id, outbox: this.id, first: this.#next, sentAt: this.#now() }
      this.#next += items instanceof Batch ? items.lengths.length : 1
      this.#sent.push(waiting)
      yield items instanceof Batch
        ? await signItems(this.#identity, numbers, items)
        : await composeEnvelope(this.#identity, numbers, [items])
    }
  }

  chainHead(_to: Peer, journal: Uint8Array): Promise<ChainHead> {
    return Promise.resolve(this.#chains?.get(hex(journal)) ?? CHAIN_START)
  }

  settle(_to: Peer, envelope: OutgoingEnvelope, receipt: EnvelopeReceipt): Promise<void> {
    const { journal, index, chain, outcome } = receipt.statement
    this.#chains ??= new Map()
    this.#chains.set(hex(journal), { index, chain })
    const waiting = this.#sent.shift()!
    const { items } = waiting
    const of = receiptsOf(envelope, receipt)
    const comesTo = (i: number): Receipt | Promise<Receipt> => {
      // Of an envelope of several that was refused each message is sent again, alone.
      if (items instanceof Batch && envelope.count > 1 && outcome === OUTCOME.refused) return this.#sendAlone(items.item(i))
      const own = of(envelope.first + i)
      const error = outcomeError(own)
      return error === undefined ? own : Promise.reject(error)
    }
    for (let i = 0; i < envelope.count; i++) this.#tell(waiting, i, comesTo(i))
    waiting.settle.length = waiting.sends.length = 0
    return Promise.resolve()
  }

  end(_to: Peer, why: Error): void {
    this.#ended = why
    for (const waiting of [...this.#sent.splice(0), ...this.#queue]) {
      for (let i = 0; i < waiting.settle.length; i++) this.#tell(waiting, i, Promise.reject(why))
    }
    this.#queue = []
  }
}
