/** `countersign-client hooks`: the messages of servers that hooks could not hand on. */
import { hooks as hooksOf } from '@countersign/mailbox'
import type { Command } from 'commander'

export function hooks(program: Command): void {
  hooksOf(program, 'client')
}
