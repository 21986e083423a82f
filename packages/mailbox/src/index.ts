/**
 * The public surface of @countersign/mailbox: what the programs of both sides have in common, as far as it needs no database.
 * The rest is `@countersign/mailbox/stored`.
 */
export { hooks } from './commands/hooks.ts'
export { inbox } from './commands/inbox.ts'
export { outbox, withOutbox } from './commands/outbox.ts'
export type { OutboxContext } from './commands/outbox.ts'
export { receipts } from './commands/receipts.ts'
export { deliver } from './deliver.ts'
export { hookOptions } from './hooks/options.ts'
export type { HookOptions } from './hooks/options.ts'
export { fileOptions, inputOptions, openInput } from './input.ts'
export type { Input, InputOptions } from './input.ts'
export { arrived } from './letter.ts'
export { printLetter } from './print.ts'
export { printReceipt, receiptBehind } from './receipts.ts'
export { retry } from './retry.ts'
export type { Way } from './way.ts'
