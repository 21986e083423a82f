/** Serving with a journal: what is printed, and what hooks are told, is read from it once it is stored. */
import type { SecureSession } from '@countersign/core'
import { attendInbox, drain, openOwnOutbox } from '@countersign/mailbox/stored'
import { policyOf } from './policy.ts'
import { Quotas } from './quotas.ts'
import { serveClients, type Serving } from './serving.ts'
import { storeView } from './watch/view.ts'

/** What does not hang on where messages are stored. */
export type Setup = Pick<Serving, 'home' | 'configuration' | 'output' | 'log'>

/** Serves until `interrupted`; resolves when all that came is stored, receipted, printed, and no hook runs any more. */
export function serveInbox(setup: Setup, interrupted: AbortSignal): Promise<void> {
  const { home, configuration, output } = setup
  const { exec, webhook, hookTries, hookTimeout } = configuration.settings
  const hooks = { ...(exec !== undefined && { exec }), ...(webhook !== undefined && { webhook }), hookTries, hookTimeout }
  return attendInbox(home, hooks, output, async (journal, beside, waiting, printed) => {
    const quotas = new Quotas(({ sender, outbox }) => journal.usage(sender, outbox))
    const policy = policyOf((peer) => configuration.rulesOf(peer), { now: () => performance.now(), quotas })
    await using outbox = await openOwnOutbox(home, output)
    const store = storeView(journal, waiting)
    const take = async (session: SecureSession): Promise<void> => {
      await drain(session)
      // What a client sent is printed before it is said that it has left.
      await printed()
    }
    await serveClients({ ...setup, journal: quotas.booking(journal), policy, outbox, store, beside, take }, interrupted)
  })
}
