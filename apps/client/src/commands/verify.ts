/** `countersign-client verify`: evidence that was exported, here or by a server. */
import { verifyCommand } from '@countersign/keyexchange/cli'
import type { Command } from 'commander'

export function verify(program: Command): void {
  verifyCommand(program, 'client', async () => (await import('@countersign/store')).verifyEvidence)
}
