/** The hooks that a command line asks for, over the journal. */
import type { Home } from '@countersign/keyexchange'
import { CliError, type Output } from '@countersign/keyexchange/cli'
import type { StoredJournal } from '@countersign/store'
import { join } from 'node:path'
import { senderOf, stored } from '../letter.ts'
import { execHook } from './exec.ts'
import type { Hook, Post } from './hook.ts'
import { HookLedger } from './ledger.ts'
import type { HookOptions } from './options.ts'
import { HookRunner } from './runner.ts'
import { webhook } from './webhook.ts'

/** Senders that are served at a time */
const CONCURRENCY = 4
/** How long to wait after the first failure; ms */
const PATIENCE = 1000

/** @throws CliError USAGE where one cannot be used */
export function hooksOf({ exec, webhook: address }: Pick<HookOptions, 'exec' | 'webhook'>): Hook[] {
  return [...(exec === undefined ? [] : [execHook(exec)]), ...(address === undefined ? [] : [webhook(address)])]
}

export function openLedger(home: Home): HookLedger {
  return new HookLedger(join(home.stateFolder, 'hooks.db'))
}

/**
 * What runs the hooks of a command line.
 *
 * @param after a hook that has never run here begins behind this message
 */
export function hookRunners(
  hooks: readonly Hook[],
  ledger: HookLedger,
  home: Home,
  journal: StoredJournal,
  { hookTries: attempts, hookTimeout }: HookOptions,
  output: Output,
  after: number,
): HookRunner[] {
  const limits = { concurrency: CONCURRENCY, attempts, timeout: hookTimeout * 1000, patience: PATIENCE }
  const feed = {
    async *follow(after: number, signal: AbortSignal) {
      for await (const message of journal.messages({ after, follow: true, signal })) {
        yield { id: message.serial, sender: senderOf(message, home).name }
      }
    },
    post: (id: number) => postOf(journal, home, id),
  }
  for (const { name } of hooks) ledger.begin(name, after)
  return hooks.map((hook) => new HookRunner({ hook, feed, ledger, output, ...limits }))
}

/** A message of the journal with its body; undefined where that was pruned. @throws CliError MISSING */
export async function postOf(journal: StoredJournal, home: Home, id: number): Promise<Post | undefined> {
  const message = await journal.message(id)
  if (message === undefined) throw new CliError('MISSING', `there is no message ${id}`, 'see `inbox list`')
  const { content, ...letter } = await stored(message, home)
  return content && { ...letter, id, content }
}
