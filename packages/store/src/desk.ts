/** Who has the database, and carries out the calls: the thread that asks, or one of its own. */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Refused } from './refused.ts'
import { type Answer, type Call, carryOut, type Tables } from './tables.ts'

/** Who asks is told of this. */
export interface Asker {
  answered(answers: readonly Answer[]): void
  /** The thread has died. */
  failed(cause: Error): void
  /** No answer will come any more. */
  closed(): void
}

export interface Desk {
  /** Carries out calls: together with others that wait, and with one commit. The buffers are its own from now on. */
  ask(calls: readonly Call[], buffers: readonly ArrayBuffer[]): void
  /** Lets go of the database, once all that was asked is done. */
  close(): void
  /** Whether the process waits for answers. */
  keep(alive: boolean): void
}

/** What a thread is told of the database that it owns. */
export interface ThreadData {
  /** Whose tables. */
  readonly kind: 'journal' | 'outbox'
  readonly file: string
  /** Whether it may be a backup. */
  readonly backupToo?: boolean
}

/** A thread of its own has the database: while that waits for the disk, the one that asks goes on. */
export function inThread(data: ThreadData): (asker: Asker) => Desk {
  return (asker) => {
    const script = new URL(`./writer-thread${extname(import.meta.url)}`, import.meta.url)
    const worker = new Worker(script, { workerData: data, name: data.kind })
    worker.on('message', (answers: readonly Answer[]) => asker.answered(answers))
    worker.on('error', (cause: Error) => asker.failed(cause))
    worker.on('exit', () => asker.closed())
    return {
      ask: (calls, buffers) => worker.postMessage(calls, buffers),
      close: () => worker.postMessage('close', []),
      keep: (alive) => (alive ? worker.ref() : worker.unref()),
    }
  }
}

/** The thread that asks has the database, and waits for the disk: a thread takes longer to start than a few commits. */
export function inPlace(open: () => Tables): (asker: Asker) => Desk {
  return (asker) => {
    const tables = opened(open)
    return {
      ask: (calls) => asker.answered(answersTo(tables, calls)),
      close() {
        if (!(tables instanceof Error)) tables.close()
        asker.closed()
      },
      keep() {},
    }
  }
}

/** Tables, or what kept them from being opened: each call is told. */
export function opened(open: () => Tables): Tables | Error {
  try {
    return open()
  } catch (error) {
    return error as Error
  }
}

export function answersTo(tables: Tables | Error, calls: readonly Call[]): Answer[] {
  if (tables instanceof Refused) return calls.map(({ id }) => ({ id, refused: tables.code }))
  if (tables instanceof Error) return calls.map(({ id }) => ({ id, failed: tables.message }))
  return carryOut(tables, calls)
}
