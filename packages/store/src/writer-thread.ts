/** The thread behind a Writer. */
import { parentPort, workerData } from 'node:worker_threads'
import { attend } from './desk.ts'
import { JournalTables } from './journal-tables.ts'
import { OutboxTables } from './outbox-tables.ts'
import type { ThreadData } from './writer.ts'

const KINDS = { journal: JournalTables, outbox: OutboxTables }

const { kind, file, backupToo } = workerData as ThreadData

attend(parentPort!, () => new KINDS[kind](file, backupToo))
