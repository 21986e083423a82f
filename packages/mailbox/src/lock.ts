/** Something that one process at a time may do. */
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

const BUSY = 5
const POLL = 20

/** Held until it is disposed of, or its process ends, however it ends: it is a transaction that is never committed. */
export class Lock implements Disposable {
  readonly #database: DatabaseSync

  private constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Undefined where another process holds it. */
  static tryTake(file: string): Lock | undefined {
    const database = new DatabaseSync(file, { timeout: 0 })
    try {
      database.exec('BEGIN EXCLUSIVE')
      return new Lock(database)
    } catch (error) {
      database.close()
      if ((error as { errcode?: number }).errcode === BUSY) return undefined
      throw error
    }
  }

  /** Waits for it: for what takes others a moment. */
  static async take(file: string): Promise<Lock> {
    for (;;) {
      const lock = Lock.tryTake(file)
      if (lock !== undefined) return lock
      await sleep(POLL)
    }
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}
