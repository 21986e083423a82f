/** The public surface of @countersign/mailbox/stored: what needs the journal or the outbox at once. */
export { attendInbox, drain } from './attend.ts'
export { Elsewhere, receiptOf } from './elsewhere.ts'
export type { Shown } from './follow.ts'
export { hooksOf } from './hooks/start.ts'
export { openExistingInbox } from './inbox.ts'
export { Lock } from './lock.ts'
export { Ending } from './ending.ts'
export { openOwnOutbox } from './outbox.ts'
