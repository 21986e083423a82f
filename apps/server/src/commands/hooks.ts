/** `countersign-server hooks`: the messages of clients that hooks could not hand on. */
import { hooks as hooksOf } from '@countersign/mailbox'
import type { Command } from 'commander'

export function hooks(program: Command): void {
  hooksOf(program, 'server')
}
