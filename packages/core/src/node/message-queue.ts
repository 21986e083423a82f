/** Messages between a session that receives them and a program that reads them. */
import type { Message } from '../delivery/message.ts'

const NOBODY: readonly (() => void)[] = []

export class MessageQueue implements AsyncIterable<Message> {
  readonly #messages: Message[] = []
  #first = 0
  /** Bytes of the bodies that wait in memory. */
  #length = 0
  #ended = false
  #error: Error | undefined
  #readers: readonly (() => void)[] = NOBODY
  #wakeWriter: (() => void) | undefined

  push(messages: readonly Message[]): void {
    for (const message of messages) {
      this.#messages.push(message)
      this.#length += message.length
    }
    this.#wakeReaders()
  }

  /** No more will come; where there is an error, readers get it behind the last message. */
  finish(error?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#wakeReaders()
    this.#wakeWriter?.()
  }

  /** Whether so much waits that no more should be received for now. */
  get full(): boolean {
    return !this.#ended && (this.#messages.length - this.#first > 8192 || this.#length > 16 * 1024 * 1024)
  }

  /** Resolves when there is room again. */
  async room(): Promise<void> {
    while (this.full) await new Promise<void>((resolve) => (this.#wakeWriter = resolve))
    this.#wakeWriter = undefined
  }

  /** Of hand-made steps: a generator's would cost several promises a message. */
  [Symbol.asyncIterator](): AsyncIterator<Message, void, undefined> {
    return { next: () => this.#next() }
  }

  #next(): Promise<IteratorResult<Message, void>> {
    if (this.#first < this.#messages.length) return Promise.resolve({ done: false, value: this.#take() })
    if (!this.#ended) return new Promise<void>((resolve) => this.#read(resolve)).then(() => this.#next())
    return this.#error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(this.#error)
  }

  /** Nearly always one waits, and as long as the session: an array that grows by itself would have room for many. */
  #read(wake: () => void): void {
    this.#readers = this.#readers.concat(wake)
  }

  #wakeReaders(): void {
    const waiting = this.#readers
    this.#readers = NOBODY
    for (const wake of waiting) wake()
  }

  #take(): Message {
    const message = this.#messages[this.#first]!
    this.#first += 1
    if (this.#first === this.#messages.length) {
      this.#messages.length = this.#first = 0
    }
    this.#length -= message.length
    this.#wakeWriter?.()
    return message
  }
}
