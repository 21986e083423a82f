/** What one side of a recorded session makes of it when a frame was changed on its way: by core, from the same chance. */
import { CountersignError, memoryJournal, NetworkError } from '@countersign/core'
import {
  clientHandshake,
  concat,
  copy,
  type Established,
  Exchange,
  hex,
  MemoryOutbox,
  NO_POSITION,
  reasonOf,
  serverHandshake,
  Session,
  type SessionEvent,
  type Step,
  type Steps,
} from '@countersign/core/protocol'
import { other, type Recording, type Role } from './recording.ts'

const MAX_ITEM = 2 ** 53

/** What came of a changed frame. */
export interface Outcome {
  /** What core threw; undefined where nothing was noticed. */
  readonly error: CountersignError | undefined
  /** Whether the peer was told anything because of it. */
  readonly answered: boolean
}

/** A handshake of the recording: how many frames it sent, and how it ended. */
interface Progress {
  readonly sent: number
  readonly established?: Established
  readonly error?: CountersignError
}

export class Replay {
  readonly #recording: Recording
  readonly #established: Record<Role, Established>

  constructor(recording: Recording) {
    this.#recording = recording
    const established = (role: Role): Established => this.#handshake(role, this.#incoming(role, 'handshake')).established!
    this.#established = { client: established('client'), server: established('server') }
  }

  /**
   * Lets the receiver of one of the recorded frames have `bytes` in its place, with all that its peer sent before and after,
   * and then the end of the stream.
   */
  async run(frame: number, bytes: Uint8Array): Promise<Outcome> {
    const { frames } = this.#recording
    const { from, name } = frames[frame]!
    const role = other(from)
    if (name === 'RECORD') return this.#records(role, this.#incoming(role, 'records', frame, bytes))
    const { error, sent } = this.#handshake(role, this.#incoming(role, 'handshake', frame, bytes))
    return { error, answered: sent > frames.slice(0, frame).filter((earlier) => earlier.from === role).length }
  }

  /** What a side's peer sent it in that part of the session, one frame changed. */
  #incoming(role: Role, part: 'handshake' | 'records', frame?: number, changed?: Uint8Array): Uint8Array[] {
    const { frames } = this.#recording
    const all = frames.map((recorded, i) => (i === frame ? { ...recorded, bytes: changed! } : recorded))
    return all.filter(({ from, name }) => from !== role && (name === 'RECORD') === (part === 'records')).map(({ bytes }) => bytes)
  }

  /** The handshake, at once: nothing that it asks has to be waited for. */
  #handshake(role: Role, frames: readonly Uint8Array[]): Progress {
    const { [role]: own, [other(role)]: peer } = this.#recording
    const shared = { outbox: own.outbox.id, maxItem: MAX_ITEM, entropy: own.entropy() }
    const pinned = { keys: [peer.identity.publicKey] }
    const steps: Steps<Established> =
      role === 'client'
        ? clientHandshake({ ...shared, identity: own.identity, peer: pinned, receives: true })
        : serverHandshake({ ...shared, identities: [own.identity] })
    let stream = concat(...frames)
    let sent = 0
    const answer = (step: Step): unknown => {
      if ('send' in step) return void (sent += 1)
      if ('sign' in step) return step.as.sign(step.sign)
      if ('unwrap' in step) return step.as.unwrap!(step.unwrap, step.label)
      if ('trust' in step) return hex(step.trust) === hex(pinned.keys[0]!.id) ? { peer: pinned } : undefined
      if ('locate' in step) return { journal: own.journal, position: NO_POSITION }
      const taken = stream.subarray(0, step.need)
      stream = stream.subarray(step.need)
      if (taken.length < step.need) throw new NetworkError('TRUNCATED')
      return taken
    }
    try {
      let step = steps.next()
      while (!step.done) step = steps.next(answer(step.value))
      return { sent, established: step.value }
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error
      return { sent, error }
    } finally {
      steps.return(undefined as never)
    }
  }

  /** The records, by the same parts that make up a session over a socket. */
  async #records(role: Role, records: readonly Uint8Array[]): Promise<Outcome> {
    const { [role]: own, [other(role)]: peer, envelope, receipt, frames } = this.#recording
    const { secrets, ...established } = this.#established[role]
    const nonce = frames.find(({ name }) => name === 'RECORD')!.seal!.plain.subarray(1)
    const session = new Session({
      role,
      // Copies: a session wipes the secrets that it is made of.
      secrets: { ...secrets, client: copy(secrets.client), server: copy(secrets.server) },
      mayReceive: true,
      now: 0,
      random: () => nonce,
    })
    const sent = Promise.withResolvers<void>()
    // It gives the envelope that was recorded, and keeps nothing.
    const outbox = Object.assign(new MemoryOutbox(own.identity, Date.now), {
      async *pending(_: unknown, signal: AbortSignal) {
        if (role === 'client') yield envelope
        sent.resolve()
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      },
      settle: () => Promise.resolve(),
    })
    const faults: unknown[] = []
    const watch = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => faults.push(error))
    const exchange = new Exchange({
      established,
      outbox,
      outboxId: own.outbox.id,
      journal: { ...memoryJournal(), id: own.journal },
      policy: undefined,
      maxItem: MAX_ITEM,
      ownKeys: [own.identity.publicKey],
      place: { sender: peer.identity.publicKey.id, receiver: own.identity.publicKey.id, outbox: peer.outbox.id },
      now: () => receipt.statement.receivedAt,
      send: () => undefined,
      respond: () => {},
      deliver: () => {},
    })
    const running = watch(exchange.run(Promise.resolve()))
    await sent.promise
    let closed = false
    const on = (event: SessionEvent): void => {
      if (event.type === 'part') void watch(exchange.part(event.pieces, event.end) ?? Promise.resolve())
      else if (event.type === 'receipt') void watch(exchange.receipt(event.receipt))
      else if (event.type === 'close') closed = true
    }
    try {
      for (const record of records) for (const event of session.receive(record, 0)) on(event)
    } catch (error) {
      faults.push(error)
    }
    await exchange.finish()
    await watch(exchange.settled)
    await running
    const [fault] = faults
    if (fault !== undefined && !(fault instanceof CountersignError)) throw fault
    const error = fault ?? (closed ? undefined : new NetworkError('TRUNCATED'))
    return { error, answered: error !== undefined && reasonOf(error) !== undefined }
  }
}
