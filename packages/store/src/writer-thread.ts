/** The thread behind a Writer: what has come while it committed is carried out together, with one commit. */
import { parentPort, workerData } from 'node:worker_threads'
import { answersTo, opened, type ThreadData } from './desk.ts'
import { JournalTables } from './journal-tables.ts'
import { OutboxTables } from './outbox-tables.ts'
import type { Call } from './tables.ts'

const KINDS = { journal: JournalTables, outbox: OutboxTables }

const port = parentPort!
const { kind, file, backupToo } = workerData as ThreadData
const tables = opened(() => new KINDS[kind](file, backupToo))
let waiting: Call[] = []

function work(): void {
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
