/** A sender's outbox on SQLite. */
import {
  type Identity,
  LocalError,
  type MessageBody,
  type MessageOptions,
  type Outbox,
  type Peer,
  type Receipt,
} from '@countersign/core'
import {
  attributesOf,
  CHAIN_START,
  type ChainHead,
  type EnvelopeReceipt,
  hex,
  outcomeError,
  type OutgoingEnvelope,
  receiptsOf,
  type SendingSession,
  type SignedStatement,
} from '@countersign/core/protocol'
import { join, resolve } from 'node:path'
import { inPlace, inThread } from './desk.ts'
import { Enqueuer, type Queued } from './enqueuer.ts'
import { itemFolder } from './item-files.ts'
import { type KeptReceipt, type OutboxMessage, OutboxReader } from './outbox-reader.ts'
import { OutboxTables } from './outbox-tables.ts'
import { pendingEnvelopes, POLL, Tails } from './pending.ts'
import { QueuedEnvelope } from './queued-envelope.ts'
import { QueuedMessages } from './queued-message.ts'
import { signAnew } from './sign-anew.ts'
import { blobBody, SPOOL_FROM, spoolBody, type StreamedBody } from './spooled-body.ts'
import type { Reconciled, Serials } from './reconcile.ts'
import type { Remote } from './tables.ts'
import { waitFor } from './wait.ts'
import { Writer } from './writer.ts'

/** What an outbox found out about a receiver that its operator has to know. */
export interface OutboxNotice extends Pick<Reconciled, 'resent' | 'resigned' | 'lost'> {
  /**
   * SERVER_REGRESSED: the receiver was restored from a backup; OUTBOX_BEHIND: this outbox was; OUTBOX_MOVED: for one of the two,
   * at another receiver, the outbox has a fresh id.
   */
  readonly code: 'SERVER_REGRESSED' | 'OUTBOX_BEHIND' | 'OUTBOX_MOVED'
  readonly to: Peer
}

/** Who sends, and how long bodies are kept. */
export interface OutboxOptions {
  /** Who signs the messages. */
  readonly identity: Identity
  /** How long the body of a message with a receipt is kept, in ms; 7 days where it is not said. */
  readonly keep?: number
  /** How many bytes of such bodies are kept; 1 GiB where it is not said. */
  readonly keepBytes?: number
  /**
   * Whether a thread of its own writes, so that nothing else waits for the disk; true where it is not said. A process that
   * has one message to send, and nothing else to do meanwhile, is done sooner without.
   */
  readonly thread?: boolean
  /** Told of what the operator has to know. */
  readonly onNotice?: (notice: OutboxNotice) => void
}

const DAY = 24 * 60 * 60 * 1000
/** How often bodies that need not be kept any more are looked for, in ms. */
const PRUNE_EVERY = 60_000

/**
 * Opens an outbox, and makes it where the file is missing. Long bodies stand in the folder FILE-items.
 *
 * @throws LocalError STORAGE
 */
export async function openOutbox(file: string, options: OutboxOptions): Promise<StoredOutbox> {
  const path = resolve(file)
  const inOwnThread = options.thread ?? true
  const desk = inOwnThread ? inThread({ kind: 'outbox', file: path }) : inPlace(() => new OutboxTables(path))
  const writer = new Writer<OutboxTables>(path, desk)
  try {
    await writer.remote.tidy(Date.now() - DAY)
    const outbox = new StoredOutbox(path, writer, options)
    await signAnew(writer.remote, options.identity)
    return outbox
  } catch (error) {
    await writer.close()
    throw error
  }
}

/** An outbox that survives power loss. */
export class StoredOutbox implements Outbox, AsyncDisposable {
  readonly file: string
  readonly identity: Identity
  readonly #writer: Writer<OutboxTables>
  readonly #tables: Remote<OutboxTables>
  readonly #options: OutboxOptions
  readonly #enqueuer: Enqueuer
  readonly #reader: OutboxReader
  readonly #waiting = new QueuedMessages()
  readonly #tails = new Tails()
  /** Sends that wait for their receipts, by the names of their receivers. */
  readonly #sends = new Map<string, Set<Promise<Receipt>>>()
  /** The place of each receiver's newest session. */
  readonly #sessions = new Map<string, Reconciled>()
  readonly #pruning: ReturnType<typeof setInterval>
  #news = Promise.withResolvers<void>()

  /** @internal For `openOutbox` alone. */
  constructor(file: string, writer: Writer<OutboxTables>, options: OutboxOptions) {
    const { identity } = options
    this.file = file
    this.identity = identity
    this.#writer = writer
    this.#tables = writer.remote
    this.#options = options
    this.#enqueuer = new Enqueuer({
      tables: writer.remote,
      identity,
      now: Date.now,
      queued: (place, envelope, { id, serial }) => {
        this.#tails.add(place, new QueuedEnvelope({ ...envelope, id, serial, withdrawn: 0 }, this.#pathOf))
        return this.#waiting.add(serial, envelope.first, envelope.count)
      },
      committed: () => this.#wake(),
    })
    this.#reader = new OutboxReader(writer.remote, this.#pathOf)
    this.#pruning = setInterval(() => void this.prune().catch(() => {}), PRUNE_EVERY)
    this.#pruning.unref()
  }

  readonly #pathOf = (file: string): string => join(itemFolder(this.file), `${file}.item`)

  /**
   * Queues a message; resolves once that is durable.
   *
   * @param body also a stream, of any length
   * @throws LocalError MESSAGE_FORM, STORAGE
   */
  enqueue(to: Peer, body: MessageBody | StreamedBody, options?: MessageOptions): Promise<Queued> {
    try {
      const whole = typeof body === 'string' || body instanceof Uint8Array
      if (whole && Buffer.byteLength(body) <= SPOOL_FROM) return this.#enqueuer.add(to, body, attributesOf(options))
      const pieces = whole ? oneOf(body) : body instanceof Blob ? blobBody(body) : body
      return this.#enqueuer.addLater(to, spoolBody(itemFolder(this.file), pieces, options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  send(to: Peer, body: MessageBody, options?: MessageOptions): Promise<Receipt> {
    const receiver = hex(to.keys[0]!.id)
    const sends = this.#sends.get(receiver) ?? new Set()
    const sending = this.enqueue(to, body, options).then(({ receipt }) => receipt)
    this.#sends.set(receiver, sends.add(sending))
    const over = (): unknown => sends.delete(sending)
    sending.then(over, over)
    return sending
  }

  idle(to: Peer): Promise<unknown> {
    return Promise.allSettled(this.#sends.get(hex(to.keys[0]!.id)) ?? new Set<Promise<Receipt>>())
  }

  idFor(to?: Peer): Promise<Uint8Array> {
    return to === undefined ? this.#tables.mainId() : this.#tables.idFor(to.keys[0]!.id)
  }

  mark(): Promise<number> {
    return this.#tables.lastReceipt()
  }

  async begin(to: Peer, { outbox, journal, position, mark = Number.MAX_SAFE_INTEGER }: SendingSession): Promise<void> {
    const receiver = to.keys[0]!.id
    const session = await this.#tables.reconcile({ receiver, outbox, journal, next: position.next, mark })
    this.#sessions.set(hex(receiver), session)
    await this.#follow(session, to)
  }

  /** Does what is left to do where the two sides did not fit, and tells of it. */
  async #follow({ found: code, resent, resigned, lost }: Reconciled, to: Peer): Promise<void> {
    if (resigned.length > 0) await this.#signAnew()
    this.#enqueuer.forget()
    this.#tails.clear()
    if (code === undefined) return
    this.#options.onNotice?.({ code, to, resent: resent.map(plain), resigned: resigned.map(plain), lost: lost.map(plain) })
  }

  pending(to: Peer, signal: AbortSignal): AsyncGenerator<OutgoingEnvelope> {
    const session = this.#sessions.get(hex(to.keys[0]!.id))!
    const news = (): Promise<void> => this.#news.promise
    return pendingEnvelopes({ tables: this.#tables, tails: this.#tails, session, pathOf: this.#pathOf, news }, signal)
  }

  async chainHead(to: Peer, journal: Uint8Array): Promise<ChainHead> {
    const { place, closed } = this.#sessions.get(hex(to.keys[0]!.id))!
    const head = (await this.#tables.chainHead(place, journal)) ?? CHAIN_START
    // A restored outbox lacks receipts that it once had, and may not know that it was restored.
    return { ...head, incomplete: closed === 'OUTBOX_BEHIND' ? true : 'perhaps' }
  }

  async settle(to: Peer, envelope: OutgoingEnvelope, receipt: EnvelopeReceipt): Promise<void> {
    const { id, serial, first } = envelope as QueuedEnvelope
    const { journal, index, chain, outcome } = receipt.statement
    const { statement, signature } = receipt.receipt
    const kept = { envelope: id, journal, index, chain, outcome, statement, signature, at: Date.now() }
    const { positions, found } = await this.#tables.settle(kept)
    const of = receiptsOf(envelope, receipt)
    const tell = (position: number, count: number): void => {
      for (const message of this.#waiting.take(serial + position, count)) {
        const own = of(first + message.serial - serial)
        message.tell(outcomeError(own) ?? own)
      }
    }
    if (positions === null) tell(0, envelope.count)
    else {
      for (const position of positions) tell(position, 1)
      await this.#signAnew()
    }
    if (found !== undefined) this.#options.onNotice?.({ code: found, to, resent: [], resigned: [], lost: [] })
    this.#wake()
  }

  holds(_to: Peer, envelope: OutgoingEnvelope, { statement }: SignedStatement): Promise<boolean> {
    return this.#tables.holds((envelope as QueuedEnvelope).id, statement)
  }

  end(): void {
    // What has no receipt waits for the next session.
  }

  /** Signs anew what waits for that: what a receiver refused only together with others, or needs at a fresh outbox id. */
  async #signAnew(): Promise<void> {
    await signAnew(this.#tables, this.identity)
    this.#enqueuer.forget()
    this.#tails.clear()
    this.#wake()
  }

  /** Resolves when all that is queued for a receiver has its receipt, or the signal is aborted. */
  async drained(to: Peer, signal?: AbortSignal): Promise<void> {
    for (;;) {
      const news = this.#news.promise
      await this.#enqueuer.idle()
      if (signal?.aborted || !(await this.#tables.unsettled(to.keys[0]!.id))) return
      await waitFor(news, POLL, signal)
    }
  }

  #wake(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }

  /** The messages of the outbox, with and without receipts, in the order in which they were queued. */
  messages(): AsyncGenerator<OutboxMessage> {
    return this.#reader.messages()
  }

  /** The message of this serial, where there is one. */
  message(serial: number): Promise<OutboxMessage | undefined> {
    return this.#reader.message(serial)
  }

  /** Every receipt behind this one's id, in the order in which they came. */
  receipts(after = 0): AsyncGenerator<KeptReceipt> {
    return this.#reader.receipts(after)
  }

  /**
   * Withdraws a message: its statement still travels, marked so, which keeps the numbers whole; what shares its envelope
   * is signed anew. Where it had arrived already, its receipt will say so, and nothing changes.
   *
   * @returns false where there is no such message, or its receipt has come
   */
  drop(serial: number): Promise<boolean> {
    this.#tails.clear()
    return this.#tables.withdraw(serial)
  }

  /**
   * Opens a fresh outbox id for a receiver, and signs anew what has no receipt: the way out where the receiver's receipts
   * do not fit. Those messages may arrive twice.
   */
  async renew(to: Peer): Promise<OutboxNotice['resigned']> {
    const { resigned } = await this.#tables.renew(to.keys[0]!.id)
    await this.#signAnew()
    return resigned.map(plain)
  }

  /** Drops the bodies of messages that need not be kept any more; their receipts stay. */
  prune(): Promise<void> {
    const { keep = 7 * DAY, keepBytes = 2 ** 30 } = this.#options
    return this.#tables.prune(Date.now() - keep, keepBytes)
  }

  /** Commits what is being queued, then lets go of the files. */
  async close(): Promise<void> {
    clearInterval(this.#pruning)
    await this.#enqueuer.idle()
    await this.#writer.close()
    const closed = new LocalError('SESSION_ENDED', 'the outbox is closed; the message is in it')
    for (const message of this.#waiting.takeAll()) message.tell(closed)
    this.#wake()
  }

  /** The same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function plain({ serial, count }: Serials): Serials {
  return { serial, count }
}

async function* oneOf(body: string | Uint8Array): AsyncGenerator<string | Uint8Array> {
  yield body
}
