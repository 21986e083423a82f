/** One thread that owns a database: what is asked of it while it commits shares the next commit. */
import { LocalError } from '@countersign/core'
import { copy } from '@countersign/core/protocol'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Answer, Call, Remote, Tables } from './tables.ts'

export interface WriterData {
  /** Whose tables. */
  readonly kind: 'journal' | 'outbox'
  readonly file: string
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** Byte strings that their maker has no further use for. */
const given = new WeakSet<Uint8Array>()

/** Lets a Writer take these bytes, with the whole of their buffer, rather than copy them: they are empty afterwards. */
export function give(bytes: Uint8Array): Uint8Array {
  given.add(bytes)
  return bytes
}

export class Writer<T extends Tables> {
  /** The tables' calls. Each rejects with LocalError STORAGE, or PLACE_MOVED where it is refused. */
  readonly remote: Remote<T>
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #exited: Promise<void>
  #calls: Call[] = []
  #transfers: ArrayBuffer[] = []
  #last = 0
  #gone: Error | undefined

  constructor(data: WriterData) {
    const script = new URL(`./writer-thread${extname(import.meta.url)}`, import.meta.url)
    const worker = new Worker(script, { workerData: data, name: data.kind })
    this.#worker = worker
    this.remote = new Proxy({} as Remote<T>, {
      get: (_, name: string) => {
        return (...args: readonly unknown[]) => this.#call(name, args)
      },
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#exited = promise
    worker.on('message', (answers: readonly Answer[]) => answers.forEach((answer) => this.#answer(answer)))
    worker.on('error', (cause: Error) => this.#end(new LocalError('STORAGE', cause.message, { cause })))
    worker.on('exit', () => {
      this.#end(new LocalError('STORAGE', 'it is closed'))
      resolve()
    })
    worker.unref()
  }

  /** Lets go of the database, once all that was asked is done. */
  async close(): Promise<void> {
    this.#post()
    this.#gone ??= new LocalError('STORAGE', 'it is closed')
    this.#worker.ref()
    this.#worker.postMessage('close', [])
    await this.#exited
  }

  #call(name: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone)
    return new Promise((resolve, reject) => {
      // The thread keeps the process alive only while something is asked of it.
      if (this.#waiting.size === 0) this.#worker.ref()
      this.#last += 1
      this.#waiting.set(this.#last, { resolve, reject })
      this.#calls.push({ id: this.#last, name, args: args.map((arg) => this.#owned(arg)) })
      if (this.#calls.length === 1) queueMicrotask(() => this.#post())
    })
  }

  #post(): void {
    if (this.#calls.length === 0) return
    this.#worker.postMessage(this.#calls, this.#transfers)
    this.#calls = []
    this.#transfers = []
  }

  /** Bytes with a buffer of their own: a view would take all that lies around it to the other thread. */
  #owned(value: unknown): unknown {
    if (value instanceof Uint8Array) {
      const own = given.has(value) ? value : copy(value)
      this.#transfers.push(own.buffer as ArrayBuffer)
      return own
    }
    if (value === null || typeof value !== 'object') return value
    if (Array.isArray(value)) return value.map((inner) => this.#owned(inner))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.#owned(inner)]))
  }

  #answer(answer: Answer): void {
    const { resolve, reject } = this.#waiting.get(answer.id)!
    this.#waiting.delete(answer.id)
    // Whoever closes waits for the thread's end, which only a thread that counts keeps the process for.
    if (this.#waiting.size === 0 && this.#gone === undefined) this.#worker.unref()
    if ('value' in answer) resolve(answer.value)
    else reject('refused' in answer ? new LocalError(answer.refused) : new LocalError('STORAGE', answer.failed))
  }

  #end(error: Error): void {
    this.#gone ??= error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
