/** The way into the outbox: messages that wait at the same moment share an envelope, a signature and a commit. */
import { type Identity, isError, type Peer, type PublicKey, type Receipt } from '@countersign/core'
import { batchSize, hex } from '@countersign/core/protocol'
import type { NewEnvelope, PlaceRow } from './outbox-rows.ts'
import type { OutboxTables } from './outbox-tables.ts'
import { signEnvelope } from './queued-envelope.ts'
import type { KeptItem } from './spooled-body.ts'
import type { Remote } from './tables.ts'

/** A message that is in the outbox for good. */
export interface Queued {
  /** Counts the messages of the outbox, from 1; it stays the message's own. */
  readonly serial: number
  /** Its number at its receiver; another one where it has to be signed anew. */
  readonly number: number
  /**
   * Its verified receipt, of outcome 'stored' or 'received'.
   *
   * Rejects with LocalError MESSAGE_WITHDRAWN, PeerError MESSAGE_REFUSED, MESSAGE_CONFLICT; LocalError SESSION_ENDED where
   * the outbox is closed before.
   */
  readonly receipt: Promise<Receipt>
}

interface Waiting {
  item: KeptItem | undefined
  resolve(queued: { readonly serial: number; readonly number: number }): void
  reject(error: Error): void
}

interface Composed extends Waiting {
  readonly item: KeptItem
  /** Sent in an envelope of its own. */
  readonly alone: boolean
}

interface Queue {
  /** As it was known last: its newest key is the one that is written to. */
  to: Peer
  waiting: Waiting[]
  place: Place | undefined
}

type Place = Pick<PlaceRow, 'id' | 'outbox' | 'last'>

/** Messages that one commit takes of one receiver's, at the most. */
const MOST_AT_ONCE = 16_384

export class Enqueuer {
  readonly #tables: Remote<OutboxTables>
  readonly #identity: Identity
  readonly #now: () => number
  readonly #queues = new Map<string, Queue>()
  /** The same by the keys themselves, whose names cost more than the rest of a short message. */
  readonly #queueOf = new WeakMap<PublicKey, Queue>()
  #flushing: Promise<void> | undefined

  constructor(tables: Remote<OutboxTables>, identity: Identity, now: () => number) {
    this.#tables = tables
    this.#identity = identity
    this.#now = now
  }

  /** Queues what an item will be, behind all that was queued before; resolves once it is committed. */
  async add(to: Peer, composing: KeptItem | Promise<KeptItem>): Promise<{ readonly serial: number; readonly number: number }> {
    const queue = this.#queueOf.get(to.keys[0]!) ?? this.#open(to)
    queue.to = to
    const { promise, resolve, reject } = Promise.withResolvers<{ serial: number; number: number }>()
    const waiting: Waiting = { item: undefined, resolve, reject }
    queue.waiting.push(waiting)
    if (composing instanceof Promise) {
      try {
        waiting.item = await composing
      } catch (error) {
        queue.waiting = queue.waiting.filter((other) => other !== waiting)
        this.#wake()
        throw error
      }
    } else waiting.item = composing
    this.#wake()
    return promise
  }

  #open(to: Peer): Queue {
    const name = hex(to.keys[0]!.id)
    const queue = this.#queues.get(name) ?? { to, waiting: [], place: undefined }
    this.#queues.set(name, queue)
    this.#queueOf.set(to.keys[0]!, queue)
    return queue
  }

  /** Resolves when all that is composed is committed. */
  async idle(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing
  }

  /** This receiver's numbers go on elsewhere. */
  forget(): void {
    for (const queue of this.#queues.values()) queue.place = undefined
  }

  #wake(): void {
    // All that is sent at this moment goes together, and all that comes during a commit goes with the next.
    this.#flushing ??= Promise.resolve().then(() => this.#flush())
  }

  async #flush(): Promise<void> {
    for (;;) {
      const ready = [...this.#queues.values()].map((queue) => ({ queue, taken: take(queue) }))
      const busy = ready.filter(({ taken }) => taken.length > 0)
      if (busy.length === 0) break
      await Promise.all(busy.map(({ queue, taken }) => this.#commit(queue, taken)))
    }
    this.#flushing = undefined
  }

  async #commit(queue: Queue, taken: readonly Composed[]): Promise<void> {
    try {
      for (;;) {
        const place = (queue.place ??= await this.#tables.place(queue.to.keys[0]!.id))
        const { id, last } = place
        try {
          const envelopes = await this.#sign(queue.to, place, taken)
          let serial = await this.#tables.add(id, envelopes)
          // Where the place was forgotten meanwhile, it is asked for anew.
          if (queue.place === place) queue.place = { ...place, last: last + taken.length }
          taken.forEach(({ resolve }, i) => resolve({ serial: serial++, number: last + 1 + i }))
          return
        } catch (error) {
          // Another process took these numbers; what was signed with them is forgotten, and never left this one.
          if (!isError(error, 'PLACE_MOVED')) throw error
          queue.place = undefined
        }
      }
    } catch (error) {
      queue.place = undefined
      for (const { reject } of taken) reject(error as Error)
    }
  }

  #sign(to: Peer, { outbox, last }: Place, taken: readonly Composed[]): Promise<NewEnvelope[]> {
    const sentAt = this.#now()
    const signing: Promise<NewEnvelope>[] = []
    for (let at = 0; at < taken.length;) {
      const items = taken.slice(at, at + batchSize(taken, at)).map(({ item }) => item)
      const numbers = { to: to.keys.at(-1)!.id, outbox, first: last + 1 + at, sentAt }
      signing.push(signEnvelope(this.#identity, numbers, items, null))
      at += items.length
    }
    return Promise.all(signing)
  }
}

/** What stands at the front of a queue and is composed. */
function take(queue: Queue): Composed[] {
  const taken: Composed[] = []
  for (const waiting of queue.waiting) {
    const { item } = waiting
    if (item === undefined || taken.length === MOST_AT_ONCE) break
    taken.push({ ...waiting, item, alone: item.file !== undefined })
  }
  queue.waiting = queue.waiting.slice(taken.length)
  return taken
}
