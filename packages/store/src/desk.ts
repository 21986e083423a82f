/** The side of a Writer that has the database: what has come while it committed is carried out together, with one commit. */
import type { MessagePort } from 'node:worker_threads'
import { Refused } from './refused.ts'
import { type Answer, type Call, carryOut, type Tables } from './tables.ts'

/** Opens tables, and carries out the calls that come through a port until it is told to close. */
export function attend(port: MessagePort, open: () => Tables): void {
  const tables = tried(open)
  let waiting: Call[] = []

  const work = (): void => {
    const calls = waiting
    waiting = []
    port.postMessage(answersTo(tables, calls))
  }

  port.on('message', (calls: readonly Call[] | 'close') => {
    if (calls === 'close') {
      work()
      if (!(tables instanceof Error)) tables.close()
      port.close()
      return
    }
    if (waiting.length === 0) setImmediate(work)
    waiting.push(...calls)
  })
}

function tried(open: () => Tables): Tables | Error {
  try {
    return open()
  } catch (error) {
    return error as Error
  }
}

function answersTo(tables: Tables | Error, calls: readonly Call[]): Answer[] {
  if (tables instanceof Refused) return calls.map(({ id }) => ({ id, refused: tables.code }))
  if (tables instanceof Error) return calls.map(({ id }) => ({ id, failed: tables.message }))
  return carryOut(tables, calls)
}
