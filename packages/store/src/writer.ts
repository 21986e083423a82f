/** The way to whoever owns a database: what is asked while it commits shares the next commit. */
import { LocalError } from '@countersign/core'
import { copy } from '@countersign/core/protocol'
import { extname } from 'node:path'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { attend } from './desk.ts'
import type { Answer, Call, Remote, Tables } from './tables.ts'

/** What a thread is told of the database that it owns. */
export interface ThreadData {
  /** Whose tables. */
  readonly kind: 'journal' | 'outbox'
  readonly file: string
  /** Whether it may be a backup. */
  readonly backupToo?: boolean
}

/** Starts a thread that owns a database: while that waits for the disk, this one goes on. */
export function inThread(data: ThreadData): Worker {
  const script = new URL(`./writer-thread${extname(import.meta.url)}`, import.meta.url)
  return new Worker(script, { workerData: data, name: data.kind })
}

/** Has this thread own the database, and wait for the disk: a thread takes longer to start than a few commits. */
export function inPlace(open: () => Tables): MessagePort {
  const { port1, port2 } = new MessageChannel()
  attend(port2, open)
  // Whoever asks keeps the process alive, not who answers.
  port2.unref()
  return port1
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

/** Byte strings up to this length share a buffer of this one. */
const SHARED = 4096
const SLAB = 16 * 1024
const NO_SLAB = new Uint8Array(0)

export class Writer<T extends Tables> {
  /** The tables' calls. Each rejects with LocalError STORAGE, or PLACE_MOVED where it is refused. */
  readonly remote: Remote<T>
  readonly #file: string
  readonly #desk: Worker | MessagePort
  readonly #waiting = new Map<number, Waiting>()
  readonly #exited: Promise<void>
  #calls: Call[] = []
  #transfers: ArrayBuffer[] = []
  /** Where short byte strings lie side by side, and how much of it is taken. */
  #slab = NO_SLAB
  #filled = 0
  #last = 0
  #gone: Error | undefined

  /** @param desk what `inThread` or `inPlace` gives */
  constructor(file: string, desk: Worker | MessagePort) {
    this.#file = file
    this.#desk = desk
    this.remote = new Proxy({} as Remote<T>, {
      get: (_, name: string) => {
        return (...args: readonly unknown[]) => this.#call(name, args)
      },
    })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#exited = promise
    const closed = (): void => {
      this.#end(new LocalError('STORAGE', 'it is closed'))
      resolve()
    }
    desk.on('message', (answers: readonly Answer[]) => answers.forEach((answer) => this.#answer(answer)))
    desk.on('error', (cause: Error) => this.#end(new LocalError('STORAGE', cause.message, { cause })))
    // A thread says the one, a port the other.
    desk.on('exit', closed).on('close', closed)
    desk.unref()
  }

  /** Lets go of the database, once all that was asked is done. */
  async close(): Promise<void> {
    this.#post()
    this.#gone ??= new LocalError('STORAGE', 'it is closed')
    this.#desk.ref()
    this.#desk.postMessage('close', [])
    await this.#exited
  }

  #call(name: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone)
    return new Promise((resolve, reject) => {
      // The thread keeps the process alive only while something is asked of it.
      if (this.#waiting.size === 0) this.#desk.ref()
      this.#last += 1
      this.#waiting.set(this.#last, { resolve, reject })
      this.#calls.push({ id: this.#last, name, args: args.map((arg) => this.#packed(arg)) })
      // What other sockets bring in this turn of the loop shares the way, and the commit.
      if (this.#calls.length === 1) setImmediate(() => this.#post())
    })
  }

  #post(): void {
    if (this.#calls.length === 0) return
    this.#desk.postMessage(this.#calls, this.#transfers)
    this.#calls = []
    this.#transfers = []
    this.#slab = NO_SLAB
    this.#filled = 0
  }

  /** A value whose bytes lie in buffers that go to the other thread as they are. */
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
      this.#transfers.push(own.buffer as ArrayBuffer)
      return own
    }
    // To hand a buffer over costs more than all that is done with a short one.
    if (this.#filled + bytes.length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB)
      this.#filled = 0
      this.#transfers.push(this.#slab.buffer)
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
    if (this.#waiting.size === 0 && this.#gone === undefined) this.#desk.unref()
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
