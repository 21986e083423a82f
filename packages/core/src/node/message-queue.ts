/** Messages between a session that receives them and a program that reads them. */
import type { Message } from '../delivery/message.ts'

export class MessageQueue implements AsyncIterable<Message> {
  #messages: Message[] = []
  #first = 0
  /** Bytes of the bodies that wait in memory. */
  #length = 0
  #ended = false
  #error: Error | undefined
  #wakeReader: (() => void) | undefined
  #wakeWriter: (() => void) | undefined

  push(messages: readonly Message[]): void {
    for (const message of messages) {
      this.#messages.push(message)
      this.#length += message.length
    }
    this.#wakeReader?.()
  }

  /** No more will come; where there is an error, readers get it behind the last message. */
  finish(error?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    this.#wakeReader?.()
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

  async *[Symbol.asyncIterator](): AsyncGenerator<Message, void, undefined> {
    for (;;) {
      while (this.#first < this.#messages.length) yield this.#take()
      if (this.#ended) break
      await new Promise<void>((resolve) => (this.#wakeReader = resolve))
      this.#wakeReader = undefined
    }
    if (this.#error !== undefined) throw this.#error
  }

  #take(): Message {
    const message = this.#messages[this.#first]!
    this.#first += 1
    if (this.#first === this.#messages.length) {
      this.#messages = []
      this.#first = 0
    }
    this.#length -= message.length
    this.#wakeWriter?.()
    return message
  }
}
