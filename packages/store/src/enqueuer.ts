/** The way into the outbox: messages that wait at the same moment share an envelope, a signature and a commit. */
import { type Identity, isError, type Peer, type PublicKey, type Receipt } from '@countersign/core'
import { Batch, hex } from '@countersign/core/protocol'
import type { Added, NewEnvelope, PlaceRow } from './outbox-rows.ts'
import type { OutboxTables } from './outbox-tables.ts'
import { signEnvelope } from './queued-envelope.ts'
import { isLong, type KeptItem, type LongItem } from './spooled-body.ts'
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

/** Messages that become one envelope. */
interface Group {
  /** Missing while the body is still being read. */
  items: Batch | LongItem | undefined
  /** Told of each message, in their order, once it is committed or cannot be. */
  readonly tell: ((queued: Queued | Promise<never>) => void)[]
}

interface Composed extends Group {
  readonly items: Batch | LongItem
}

interface Queue {
  /** As it was known last: its newest key is the one that is written to. */
  to: Peer
  /** In the order in which their messages were queued. */
  groups: Group[]
  place: Place | undefined
}

type Place = Pick<PlaceRow, 'id' | 'outbox' | 'last'>

/** Messages that one commit takes of one receiver's, at the most, beside the last envelope. */
const MOST_AT_ONCE = 12_288

export interface EnqueuerOptions {
  readonly tables: Remote<OutboxTables>
  readonly identity: Identity
  /** Milliseconds since 1970, UTC. */
  readonly now: () => number
  /** Makes what the callers get of an envelope that is committed: of each message, in their order. */
  readonly queued: (place: number, envelope: NewEnvelope, added: Added) => readonly Queued[]
  /** Called after each commit. */
  readonly committed: () => void
}

export class Enqueuer {
  readonly #options: EnqueuerOptions
  readonly #queues = new Map<string, Queue>()
  /** The same by the keys themselves, whose names cost more than the rest of a short message. */
  readonly #queueOf = new WeakMap<PublicKey, Queue>()
  #flushing: Promise<void> | undefined

  constructor(options: EnqueuerOptions) {
    this.#options = options
  }

  /** Queues a message behind all that were queued before; resolves once it is committed. */
  add(to: Peer, body: string | Uint8Array, attributes: Uint8Array): Promise<Queued> {
    const { groups } = this.#queue(to)
    const length = Batch.itemLength(body, attributes)
    let last = groups.at(-1)
    if (!(last?.items instanceof Batch) || !last.items.takes(length)) groups.push((last = { items: new Batch(), tell: [] }))
    ;(last.items as Batch).add(body, attributes, length)
    this.#wake()
    const { tell } = last
    return new Promise((resolve) => tell.push(resolve))
  }

  /** The same of an item whose body is still being read: it keeps its turn. */
  async addLater(to: Peer, composing: Promise<KeptItem>): Promise<Queued> {
    const queue = this.#queue(to)
    const { promise, resolve } = Promise.withResolvers<Queued>()
    const group: Group = { items: undefined, tell: [resolve] }
    queue.groups.push(group)
    try {
      const item = await composing
      group.items = isLong(item) ? item : batchOf([item])
    } catch (error) {
      queue.groups = queue.groups.filter((other) => other !== group)
      throw error
    } finally {
      this.#wake()
    }
    return promise
  }

  #queue(to: Peer): Queue {
    const queue = this.#queueOf.get(to.keys[0]!) ?? this.#open(to)
    queue.to = to
    return queue
  }

  #open(to: Peer): Queue {
    const name = hex(to.keys[0]!.id)
    const queue = this.#queues.get(name) ?? { to, groups: [], place: undefined }
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
      this.#options.committed()
    }
    this.#flushing = undefined
  }

  async #commit(queue: Queue, taken: readonly Composed[]): Promise<void> {
    const { tables, queued } = this.#options
    try {
      for (;;) {
        const place = (queue.place ??= await tables.place(queue.to.keys[0]!.id))
        try {
          const envelopes = await this.#sign(queue.to, place, taken)
          const added = await tables.add(place.id, envelopes)
          for (const [i, envelope] of envelopes.entries()) {
            const messages = queued(place.id, envelope, added[i]!)
            taken[i]!.tell.forEach((tell, position) => tell(messages[position]!))
          }
          const { first, count } = envelopes.at(-1)!
          // Where the place was forgotten meanwhile, it is asked for anew.
          if (queue.place === place) queue.place = { ...place, last: first + count - 1 }
          return
        } catch (error) {
          // Another process took these numbers; what was signed with them is forgotten, and never left this one.
          if (!isError(error, 'PLACE_MOVED')) throw error
          queue.place = undefined
        }
      }
    } catch (error) {
      queue.place = undefined
      for (const { tell } of taken) for (const each of tell) each(Promise.reject(error))
    }
  }

  #sign(to: Peer, { outbox, last }: Place, taken: readonly Composed[]): Promise<NewEnvelope[]> {
    const { identity, now } = this.#options
    const sentAt = now()
    let first = last + 1
    const signing = taken.map(({ items, tell }) => {
      const numbers = { to: to.keys.at(-1)!.id, outbox, first, sentAt }
      first += tell.length
      return signEnvelope(identity, numbers, items, null)
    })
    return Promise.all(signing)
  }
}

/** Short items as one batch. */
export function batchOf(items: readonly KeptItem[]): Batch {
  const batch = new Batch()
  for (const { leaf, length, bytes } of items) batch.append({ lengths: [length], leaves: leaf, bytes: bytes as Uint8Array })
  return batch
}

/** What stands at the front of a queue and is composed; batches that fit together as one. */
function take(queue: Queue): Composed[] {
  const taken: Composed[] = []
  let [at, count] = [0, 0]
  for (; at < queue.groups.length && count < MOST_AT_ONCE; at++) {
    const { items, tell } = queue.groups[at]!
    if (items === undefined) break
    const last = taken.at(-1)
    if (last?.items instanceof Batch && items instanceof Batch && last.items.takesAll(items)) {
      last.items.append(items)
      for (const each of tell) last.tell.push(each)
    } else taken.push({ items, tell })
    count += tell.length
  }
  queue.groups = queue.groups.slice(at)
  return taken
}
