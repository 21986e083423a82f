/** `countersign-server inbox`: what clients have sent. */
import { inbox as inboxOf } from '@countersign/mailbox'
import type { Command } from 'commander'

export function inbox(program: Command, interrupted: AbortSignal): void {
  inboxOf(program, 'server', interrupted)
}
