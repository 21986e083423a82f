/** Prints messages while they are stored: by this server, or by another one over the same journal. */
import type { Home } from '@countersign/keyexchange'
import type { Output } from '@countersign/keyexchange/cli'
import type { StoredJournal } from '@countersign/store'
import { stored } from './letter.ts'
import { printLetter } from './print.ts'

export class Follower {
  readonly #journal: StoredJournal
  readonly #home: Home
  readonly #output: Output
  readonly #stopping = new AbortController()
  #printed: number

  /** @param after the message behind which it begins */
  constructor(journal: StoredJournal, home: Home, output: Output, after: number) {
    this.#journal = journal
    this.#home = home
    this.#output = output
    this.#printed = after
  }

  /** Prints until `stop`, and then what was stored before it. @throws LocalError STORAGE */
  async run(): Promise<void> {
    await this.#print(true)
    await this.#print(false)
  }

  stop(): void {
    this.#stopping.abort()
  }

  async #print(follow: boolean): Promise<void> {
    const { signal } = this.#stopping
    for await (const message of this.#journal.messages({ after: this.#printed, ...(follow && { follow, signal }) })) {
      await printLetter(this.#output, await stored(message, this.#home))
      this.#printed = message.serial
    }
  }
}
