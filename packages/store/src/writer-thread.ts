/** The thread behind a Writer: what has come while it committed is carried out together, with one commit. */
import { parentPort, workerData } from 'node:worker_threads'
import { JournalTables } from './journal-tables.ts'
import { OutboxTables } from './outbox-tables.ts'
import { Refused } from './refused.ts'
import { type Answer, type Call, carryOut, type Tables } from './tables.ts'
import type { WriterData } from './writer.ts'

const KINDS = { journal: JournalTables, outbox: OutboxTables }

const port = parentPort!
const { kind, file, backupToo } = workerData as WriterData
let waiting: Call[] = []

function open(): Tables | Error {
  try {
    return new KINDS[kind](file, backupToo)
  } catch (error) {
    return error as Error
  }
}

const tables = open()

function work(): void {
  const calls = waiting
  waiting = []
  port.postMessage(answersTo(calls))
}

function answersTo(calls: readonly Call[]): Answer[] {
  if (tables instanceof Refused) return calls.map(({ id }) => ({ id, refused: tables.code }))
  if (tables instanceof Error) return calls.map(({ id }) => ({ id, failed: tables.message }))
  return carryOut(tables, calls)
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
