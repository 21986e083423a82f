/**
 * The public surface of @countersign/store: re-exports only.
 *
 * @module @countersign/store
 */
export { openJournal } from './journal.ts'
export type { JournalNotice, JournalOptions, Restore, StoredJournal } from './journal.ts'
export type { ReadOptions } from './journal-reader.ts'
export type { Item, StoredContent, StoredEntry, StoredMessage } from './stored-message.ts'
export type { Usage } from './journal-rows.ts'
export { openOutbox } from './outbox.ts'
export type { OutboxNotice, OutboxOptions, StoredOutbox } from './outbox.ts'
export type { Queued } from './enqueuer.ts'
export type { KeptReceipt, OutboxMessage } from './outbox-reader.ts'
export type { Serials } from './reconcile.ts'
export type { StreamedBody } from './spooled-body.ts'
export { connect, retriable } from './client.ts'
export type { ConnectionState, DurableClient, DurableOptions } from './client.ts'
export type { BackoffOptions } from './backoff.ts'
export { backupJournal, restoreJournal } from './backup.ts'
export type { CopyOptions } from './backup.ts'
export { exportEvidence, receiptEvidence, receivedEvidence, sentEvidence } from './evidence.ts'
export type { Evidence, KeyOf } from './evidence.ts'
export { receiptsIn, verifyEvidence } from './evidence-verify.ts'
export type { EvidenceFault, VerifiedEvidence, VerifyOptions } from './evidence-verify.ts'
export type { JournalFault, JournalVerifyOptions } from './journal-verify.ts'
export type { PruneOptions } from './journal.ts'
