/** What is done with the messages of a journal while they are stored: they are printed, and hooks are told of them. */
import type { Home } from '@countersign/keyexchange'
import type { Output } from '@countersign/keyexchange/cli'
import type { StoredJournal } from '@countersign/store'
import { Follower, type Shown } from './follow.ts'
import type { HookOptions } from './hooks/options.ts'
import { hookRunners, hooksOf, openLedger } from './hooks/start.ts'
import { openInbox } from './inbox.ts'
import { tellOfJournal, tellOfRestore } from './notices.ts'

/** How many messages wait for what. */
export type Waiting = () => Promise<Readonly<Record<string, number>>>

/**
 * Prints the messages that the journal of a home gets while `work` goes on, and runs hooks for them.
 *
 * @param work what fills the journal; `beside` are works of this function's, which end before it only by failing, and
 *   where as many messages are printed as were wanted; `waiting` tells how many messages wait for each of them, and how
 *   many the hooks have set aside; `printed` resolves when all that is stored by now is printed
 * @throws what `work`, the printing or the hooks throw
 */
export async function attendInbox(
  home: Home,
  options: HookOptions & Shown,
  output: Output,
  work: (
    journal: StoredJournal,
    beside: readonly Promise<void>[],
    waiting: Waiting,
    printed: () => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const hooks = hooksOf(options)
  await using journal = await openInbox(home, { onNotice: (notice) => tellOfJournal(notice, home, output) })
  await tellOfRestore(journal, output)
  using ledger = openLedger(home)
  ledger.follow(journal)
  const { messages: last } = await journal.size()
  const follower = new Follower(journal, home, output, last, options)
  const runners = hookRunners(hooks, ledger, home, journal, options, output, last)
  const beside = [follower.run(), ...runners.map((runner) => runner.run())]
  const waiting: Waiting = async () => {
    const { messages } = await journal.size()
    const behind = hooks.map(({ name }) => [name, messages - ledger.mark(name)] as const)
    const aside = hooks.length > 0 && { aside: ledger.aside().length }
    return { printing: messages - follower.printed, ...Object.fromEntries(behind), ...aside }
  }
  try {
    await work(journal, beside, waiting, async () => follower.reach((await journal.size()).messages))
  } finally {
    for (const helper of [follower, ...runners]) helper.stop()
    await Promise.allSettled(beside)
  }
  await Promise.all(beside)
}

/** They are stored: nothing is left to do for them in the session that brought them. */
export async function drain(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of messages);
}
