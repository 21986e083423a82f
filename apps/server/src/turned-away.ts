/** Connections that came to nothing: the first are told one by one, a flood as sums, so that it cannot fill the log. */
import type { CountersignError } from '@countersign/core'
import { printable } from '@countersign/keyexchange/cli'
import type { Log } from './log.ts'

/** How many are told one by one, */
const MOST = 10
/** in so many ms, behind which the rest is summed up. */
const SPAN = 10_000

/** What connections are called that were closed because too many handshakes were open. */
export const OVERLOAD = 'OVERLOAD'

export class TurnedAway implements Disposable {
  readonly #log: Log
  readonly #span: number
  #told = 0
  /** What was not told, by its code. */
  #untold = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(log: Log, span: number = SPAN) {
    this.#log = log
    this.#span = span
  }

  /** One connection was turned away. */
  add({ code, message }: Pick<CountersignError, 'message'> & { readonly code: string }, from: string): void {
    this.#timer ??= setTimeout(() => this.#sumUp(), this.#span).unref()
    if (this.#told < MOST) {
      this.#told += 1
      this.#log.info(`turned away ${from}: ${printable(message)}`, { event: 'turned away', from, code })
    } else {
      this.#untold.set(code, (this.#untold.get(code) ?? 0) + 1)
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#sumUp()
  }

  #sumUp(): void {
    const count = [...this.#untold.values()].reduce((sum, count) => sum + count, 0)
    if (count > 0) {
      const kinds = [...this.#untold].map(([code, count]) => `${code} ${count}`).join(', ')
      this.#log.warn(`turned away ${count} more connections in ${this.#span / 1000} s: ${kinds}`, {
        event: 'turned away',
        count,
        codes: kinds,
      })
    }
    this.#timer = undefined
    this.#told = 0
    this.#untold = new Map()
  }
}
