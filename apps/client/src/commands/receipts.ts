/** `countersign-client receipts`: what servers have signed for. */
import { receipts as receiptsOf } from '@countersign/mailbox'
import type { Command } from 'commander'

export function receipts(program: Command): void {
  receiptsOf(program, 'client')
}
