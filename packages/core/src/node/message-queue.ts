/** Messages between a session that receives them and a program that reads them. */
import type { Message } from '../delivery/message.ts'

type Next = IteratorResult<Message, void>
type Reader = (next: Promise<Next>) => void

const NOBODY: readonly Reader[] = []

export class MessageQueue implements AsyncIterableIterator<Message, void> {
  readonly #messages: Message[] = []
  #first = 0
  /** Bytes of the bodies that wait in memory. */
  #length = 0
  #ended = false
  #error: Error | undefined
  #readers: readonly Reader[] = NOBODY
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

  /** All who read share what comes. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /** A step made by hand: a generator's would cost several promises a message. */
  next(): Promise<Next> {
    if (this.#first < this.#messages.length) return Promise.resolve({ done: false, value: this.#take() })
    if (!this.#ended) return new Promise<Next>((resolve) => this.#read(resolve))
    return this.#error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(this.#error)
  }

  /** Nearly always one waits, and as long as the session: an array that grows by itself would have room for many. */
  #read(reader: Reader): void {
    this.#readers = this.#readers.concat(reader)
  }

  #wakeReaders(): void {
    const waiting = this.#readers
    this.#readers = NOBODY
    for (const read of waiting) read(this.next())
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
