/** Serving with a journal: what is printed, and what hooks are told, is read from it once it is stored. */
import type { Peer } from '@countersign/core'
import type { Home } from '@countersign/keyexchange'
import type { Output } from '@countersign/keyexchange/cli'
import { Follower } from './follow.ts'
import type { HookOptions } from './hooks/options.ts'
import { hookRunners, hooksOf, openLedger } from './hooks/start.ts'
import { openInbox } from './inbox.ts'
import { readPolicy } from './policy.ts'
import { serveClients, type ServingOptions } from './serving.ts'

interface InboxOptions extends ServingOptions, HookOptions {
  readonly policy?: string
}

/** Serves until `interrupted`; resolves when all that came is stored, receipted, printed, and no hook runs any more. */
export async function serveInbox(home: Home, options: InboxOptions, output: Output, interrupted: AbortSignal): Promise<void> {
  const hooks = hooksOf(options)
  await using journal = await openInbox(home)
  const bytesOf = async ({ keys }: Peer): Promise<number> => (await journal.usage(keys[0]!.id)).bytes
  const circumstances = { now: () => performance.now(), bytesOf }
  const policy = options.policy === undefined ? undefined : readPolicy(options.policy, circumstances)
  using ledger = openLedger(home)
  const { messages: last } = await journal.size()
  const follower = new Follower(journal, home, output, last)
  const runners = hookRunners(hooks, ledger, home, journal, options, output, last)
  const beside = [follower.run(), ...runners.map((runner) => runner.run())]
  try {
    await serveClients({ home, options, output, journal, policy, beside, take: drain }, interrupted)
  } finally {
    for (const work of [follower, ...runners]) work.stop()
    await Promise.allSettled(beside)
  }
  await Promise.all(beside)
}

/** They are stored: nothing is left to do for them here. */
async function drain(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of messages);
}
