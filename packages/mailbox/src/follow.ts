/** Prints messages while they are stored: by this process, or by another one over the same journal. */
import type { Home } from '@countersign/keyexchange'
import type { Output } from '@countersign/keyexchange/cli'
import type { StoredJournal } from '@countersign/store'
import { answers, stored } from './letter.ts'
import { printLetter } from './print.ts'

/** Which messages are printed. */
export interface Shown {
  /** Only answers to the message with this id */
  readonly inReplyTo?: string
  /** So many at the most */
  readonly limit?: number
}

export class Follower {
  readonly #journal: StoredJournal
  readonly #home: Home
  readonly #output: Output
  readonly #shown: Shown
  readonly #stopping = new AbortController()
  #left: number
  /** The serial of the message up to which it has printed */
  printed: number
  #over = false
  /** Who waits for it to print up to a message */
  #waiting: { readonly serial: number; readonly resolve: () => void }[] = []

  /** @param after the message behind which it begins */
  constructor(journal: StoredJournal, home: Home, output: Output, after: number, shown: Shown = {}) {
    this.#journal = journal
    this.#home = home
    this.#output = output
    this.printed = after
    this.#shown = shown
    this.#left = shown.limit ?? Infinity
  }

  /** Prints until `stop`, and then what was stored before it; or as many as are wanted. @throws LocalError STORAGE */
  async run(): Promise<void> {
    try {
      await this.#print(true)
      await this.#print(false)
    } finally {
      this.#over = true
      this.#tell()
    }
  }

  /** Resolves when it has printed up to this message, or prints no more */
  reach(serial: number): Promise<void> {
    if (this.printed >= serial || this.#over) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ serial, resolve }))
  }

  stop(): void {
    this.#stopping.abort()
  }

  async #print(follow: boolean): Promise<void> {
    const { signal } = this.#stopping
    if (this.#left === 0) return
    for await (const message of this.#journal.messages({ after: this.printed, ...(follow && { follow, signal }) })) {
      const letter = await stored(message, this.#home)
      const shown = answers(letter, this.#shown.inReplyTo)
      if (shown) await printLetter(this.#output, letter)
      this.printed = message.serial
      this.#tell()
      if (shown && (this.#left -= 1) === 0) return
    }
  }

  #tell(): void {
    if (this.#waiting.length === 0) return
    const reached = (serial: number): boolean => this.#over || serial <= this.printed
    for (const { serial, resolve } of this.#waiting) if (reached(serial)) resolve()
    this.#waiting = this.#waiting.filter(({ serial }) => !reached(serial))
  }
}
