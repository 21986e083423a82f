/** What a session has to write, and how fast the wire takes it. */
import type { Session } from '../session/session.ts'
import type { Wire } from './wire.ts'

/** Bytes that may wait to be written before no more is made. */
const MOST_UNWRITTEN = 1024 * 1024

export class Outlet {
  readonly #session: Session
  readonly #wire: Wire
  /** Made for who waits: hardly anybody has to. */
  #room: PromiseWithResolvers<void> | undefined
  #scheduled = false
  #finished = false

  constructor(session: Session, wire: Wire) {
    this.#session = session
    this.#wire = wire
  }

  /** Writes what waits, unless the wire wants no more for now: its drain calls again. */
  flush(): void {
    if (this.#wire.blocked) return
    const output = this.#session.takeOutput(performance.now())
    if (output.length > 0 && !this.#wire.write(output)) return
    this.#room?.resolve()
    this.#room = undefined
  }

  /** Writes once all that is made at this moment is there: one write for many receipts. */
  soon(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.flush()
    })
  }

  /** Writes soon; resolves when there is room for more, undefined where there is already. */
  flushed(): Promise<void> | undefined {
    if (this.#session.outputLength > MOST_UNWRITTEN / 8) this.flush()
    else this.soon()
    return this.full || this.#wire.blocked ? this.room() : undefined
  }

  get full(): boolean {
    return !this.#finished && this.#session.outputLength > MOST_UNWRITTEN
  }

  /** Resolves when the wire takes more. */
  async room(): Promise<void> {
    while (!this.#finished && (this.full || this.#wire.blocked)) await (this.#room ??= Promise.withResolvers()).promise
  }

  /** Nothing is written any more. */
  finish(): void {
    this.#finished = true
    this.#room?.resolve()
  }
}
