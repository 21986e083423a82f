/** Serving with a journal: what is printed, and what hooks are told, is read from it once it is stored. */
import type { Peer } from '@countersign/core'
import type { Home } from '@countersign/keyexchange'
import type { Output } from '@countersign/keyexchange/cli'
import type { HookOptions } from '@countersign/mailbox'
import { attendInbox, drain, openOwnOutbox } from '@countersign/mailbox/stored'
import { readPolicy } from './policy.ts'
import { serveClients, type ServingOptions } from './serving.ts'

interface InboxOptions extends ServingOptions, HookOptions {
  readonly policy?: string
}

/** Serves until `interrupted`; resolves when all that came is stored, receipted, printed, and no hook runs any more. */
export function serveInbox(home: Home, options: InboxOptions, output: Output, interrupted: AbortSignal): Promise<void> {
  return attendInbox(home, options, output, async (journal, beside) => {
    const bytesOf = async ({ keys }: Peer): Promise<number> => (await journal.usage(keys[0]!.id)).bytes
    const circumstances = { now: () => performance.now(), bytesOf }
    const policy = options.policy === undefined ? undefined : readPolicy(options.policy, circumstances)
    await using outbox = await openOwnOutbox(home, output)
    await serveClients({ home, options, output, journal, policy, outbox, beside, take: drain }, interrupted)
  })
}
