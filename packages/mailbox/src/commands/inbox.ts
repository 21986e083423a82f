/** `inbox`: what was received. */
import type { Role } from '@countersign/keyexchange'
import type { Command } from 'commander'
import { backup, restore } from './inbox/backup.ts'
import { cat } from './inbox/cat.ts'
import { exportMessages } from './inbox/export.ts'
import { list } from './inbox/list.ts'
import { prune } from './inbox/prune.ts'
import { show } from './inbox/show.ts'
import { verify } from './inbox/verify.ts'

export function inbox(program: Command, role: Role, interrupted: AbortSignal): void {
  const group = program.command('inbox').description('the messages that were received')
  for (const command of [list, show, cat, exportMessages, verify, prune, backup, restore]) command(group, role, interrupted)
}
