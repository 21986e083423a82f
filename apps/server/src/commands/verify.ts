/** `countersign-server verify`: evidence that was exported, here or by a client. */
import { verifyCommand } from '@countersign/keyexchange/cli'
import type { Command } from 'commander'

export function verify(program: Command): void {
  verifyCommand(program, 'server', async () => (await import('@countersign/store')).verifyEvidence)
}
