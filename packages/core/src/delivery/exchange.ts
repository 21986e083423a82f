/** Both directions of one session's delivery: what is sent from an outbox, and what is received into a journal. */
import type { PublicKey } from '../crypto/keys.ts'
import { PeerError } from '../errors.ts'
import type { Established } from '../handshake/peer.ts'
import type { SignedStatement } from '../wire/records.ts'
import type { Journal, Place } from './journal.ts'
import type { Memory } from './memory.ts'
import type { Message } from './message.ts'
import type { Outbox } from './outbox.ts'
import { PartStream } from './part-stream.ts'
import { type Policy, Receiver } from './receiver.ts'
import { Sender, type SenderOptions } from './sender.ts'

/** What an exchange stands between: a session that carries, and an outbox and a journal that keep. */
export interface ExchangeOptions {
  readonly established: Omit<Established, 'secrets'>
  readonly outbox: Outbox
  /** The outbox id that this side announced in this session. */
  readonly outboxId: Uint8Array
  /** What the outbox's `mark` was before the handshake. */
  readonly mark?: number
  readonly journal: Journal | undefined
  readonly policy: Policy | undefined
  /** The longest item that this side takes, in bytes. */
  readonly maxItem: number
  /** What this and other sessions may hold in memory; of its own where it is not said. */
  readonly memory?: Memory
  /** Every key of this side's own chain, oldest first. */
  readonly ownKeys: readonly PublicKey[]
  /** The place of the peer's messages. */
  readonly place: Place
  /** Milliseconds since 1970, UTC. */
  readonly now: () => number
  /** Queues one record; resolves when there is room for more. */
  readonly send: SenderOptions['send']
  /** Queues a receipt, once what it says is true. */
  readonly respond: (receipt: SignedStatement) => void
  /** Hands on messages that are stored and receipted. */
  readonly deliver: (messages: readonly Message[]) => void
}

/** Sends what the outbox holds and receives into the journal, for one session: events of it in, records to it out. */
export class Exchange {
  /** Where the session puts the parts of envelopes. */
  readonly parts: PartStream = new PartStream()
  readonly #options: ExchangeOptions
  readonly #sender: Sender | undefined
  /** Resolves once older sessions have given way. */
  #ready: Promise<void> | undefined
  /** Begun with the first part that comes: most of many sessions have nothing to say for long. */
  #receiving: Promise<void> | undefined
  #stopped = false

  constructor(options: ExchangeOptions) {
    const { outbox, outboxId, established, ownKeys, send } = options
    const { peer, position, maySend } = established
    this.#options = options
    if (maySend) this.#sender = new Sender({ outbox, outboxId, peer, ownKeys, position, send })
  }

  /** Whether further messages are sent in this session. */
  get sends(): boolean {
    return this.#options.established.maySend && !this.#stopped
  }

  /** Both directions may begin, once `ready` says that older sessions have given way; rejects where it does, or sending fails. */
  run(ready: Promise<void>): Promise<void> {
    this.#ready = ready
    const sender = this.#sender
    return sender === undefined ? ready : ready.then(() => this.#send(sender))
  }

  /**
   * Takes a part of the envelope under way, `end` with its last.
   *
   * @returns with the first, a promise that rejects with the first fault in receiving
   */
  part(pieces: readonly Uint8Array[], end: boolean): Promise<void> | undefined {
    this.parts.push(pieces, end)
    if (this.#receiving !== undefined || !this.parts.begun) return undefined
    return (this.#receiving = this.#receive())
  }

  async #send(sender: Sender): Promise<void> {
    // Stopped while it waited for older sessions: a newer one has told the outbox where the peer stands.
    if (this.#stopped) return
    const { established, outbox, outboxId, mark } = this.#options
    const { peer, peerJournal: journal, position } = established
    await outbox.begin(peer, { outbox: outboxId, journal, position, ...(mark !== undefined && { mark }) })
    await sender.run()
  }

  async #receive(): Promise<void> {
    await this.#ready
    const { established, journal, policy, maxItem, memory, ownKeys, place, now, respond, deliver } = this.#options
    const { peer, identity, announced, mayReceive } = established
    if (!mayReceive || journal === undefined) return
    const common = { maxItem, ownKeys, place, now, respond, deliver, ...(memory && { memory }), ...(policy && { policy }) }
    const receiver = await Receiver.open({ ...common, parts: this.parts, peer, identity, journal, announced })
    await receiver.run()
  }

  /** Takes a receipt of the peer's. */
  receipt(receipt: SignedStatement): Promise<unknown> {
    return this.#sender?.receipt(receipt) ?? Promise.reject(new PeerError('RECEIPT', 'nothing is sent in this session'))
  }

  /** No further message is begun. */
  stopSending(): void {
    this.#stopped = true
    this.#sender?.stop()
  }

  /**
   * Nothing further is sent or received; resolves when all that is stored is receipted, whatever the end was. That of older
   * sessions too, for which this one waits: whoever comes behind it waits for this one alone.
   */
  async finish(): Promise<void> {
    this.stopSending()
    this.parts.finish()
    await this.#ready?.catch(() => {})
    await this.#receiving?.catch(() => {})
  }

  /** Resolves when the receipts that have come are settled. */
  get settled(): Promise<unknown> {
    return this.#sender?.settled ?? Promise.resolve()
  }
}
