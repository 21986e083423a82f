/** The way to whoever owns a database: what is asked while it commits shares the next commit. */
import { LocalError } from '@countersign/core'
import { copy } from '@countersign/core/protocol'
import type { Asker, Desk } from './desk.ts'
import type { Answer, Call, Remote, Tables } from './tables.ts'

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** Byte strings that their maker has no further use for. */
const given = new WeakSet<Uint8Array>()

/** Lets a Writer take these bytes, with the whole of their buffer, rather than copy them: they are no longer the caller's. */
export function give(bytes: Uint8Array): Uint8Array {
  given.add(bytes)
  return bytes
}

/** Byte strings up to this length share a buffer of this one. */
const SHARED = 4096
const SLAB = 16 * 1024
const NO_SLAB = new Uint8Array(0)

export class Writer<T extends Tables> {
  /** The tables' calls. Each rejects with LocalError STORAGE, or PLACE_MOVED where it is refused. */
  readonly remote: Remote<T>
  readonly #file: string
  readonly #desk: Desk
  readonly #waiting = new Map<number, Waiting>()
  readonly #closed: Promise<void>
  #calls: Call[] = []
  #buffers: ArrayBuffer[] = []
  /** Where short byte strings lie side by side, and how much of it is taken. */
  #slab = NO_SLAB
  #filled = 0
  #last = 0
  #gone: Error | undefined

  /** @param desk what `inThread` or `inPlace` gives */
  constructor(file: string, desk: (asker: Asker) => Desk) {
    this.#file = file
    this.remote = new Proxy({} as Remote<T>, {
      get: (_, name: string) => {
        return (...args: readonly unknown[]) => this.#call(name, args)
      },
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#closed = promise
    this.#desk = desk({
      answered: (answers) => answers.forEach((answer) => this.#answer(answer)),
      failed: (cause) => this.#end(new LocalError('STORAGE', cause.message, { cause })),
      closed: () => {
        this.#end(new LocalError('STORAGE', 'it is closed'))
        resolve()
      },
    })
    this.#desk.keep(false)
  }

  /** Lets go of the database, once all that was asked is done. */
  async close(): Promise<void> {
    this.#post()
    if (this.#gone === undefined) {
      this.#gone = new LocalError('STORAGE', 'it is closed')
      this.#desk.keep(true)
      this.#desk.close()
    }
    await this.#closed
  }

  #call(name: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone)
    return new Promise((resolve, reject) => {
      // A thread keeps the process alive only while something is asked of it.
      if (this.#waiting.size === 0) this.#desk.keep(true)
      this.#last += 1
      this.#waiting.set(this.#last, { resolve, reject })
      this.#calls.push({ id: this.#last, name, args: args.map((arg) => this.#packed(arg)) })
      // What other sockets bring in this turn of the loop shares the way, and the commit.
      if (this.#calls.length === 1) setImmediate(() => this.#post())
    })
  }

  #post(): void {
    if (this.#calls.length === 0) return
    const calls = this.#calls
    const buffers = this.#buffers
    this.#calls = []
    this.#buffers = []
    this.#slab = NO_SLAB
    this.#filled = 0
    this.#desk.ask(calls, buffers)
  }

  /** A value whose bytes lie in buffers that go to the desk as they are. */
  #packed(value: unknown): unknown {
    if (value === null || typeof value !== 'object') return value
    if (value instanceof Uint8Array) return this.#moved(value)
    if (Array.isArray(value)) return value.map((inner) => this.#packed(inner))
    const packed: Record<string, unknown> = {}
    for (const key in value) packed[key] = this.#packed(value[key as keyof typeof value])
    return packed
  }

  #moved(bytes: Uint8Array): Uint8Array {
    if (given.has(bytes) || bytes.length > SHARED) {
      const own = given.has(bytes) ? bytes : copy(bytes)
      this.#buffers.push(own.buffer as ArrayBuffer)
      return own
    }
    // To hand a buffer over costs more than all that is done with a short one.
    if (this.#filled + bytes.length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB)
      this.#filled = 0
      this.#buffers.push(this.#slab.buffer)
    }
    const place = this.#slab.subarray(this.#filled, this.#filled + bytes.length)
    place.set(bytes)
    this.#filled += bytes.length
    return place
  }

  #answer(answer: Answer): void {
    const { resolve, reject } = this.#waiting.get(answer.id)!
    this.#waiting.delete(answer.id)
    // Whoever closes waits for the thread's end, which only a thread that counts keeps the process for.
    if (this.#waiting.size === 0 && this.#gone === undefined) this.#desk.keep(false)
    if ('value' in answer) resolve(answer.value)
    else if ('failed' in answer) reject(new LocalError('STORAGE', answer.failed))
    else reject(new LocalError(answer.refused, answer.refused === 'BACKUP' ? this.#file : undefined))
  }

  #end(error: Error): void {
    this.#gone ??= error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
