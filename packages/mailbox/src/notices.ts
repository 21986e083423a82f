/** What an outbox or a journal found out about the other side, or about itself, that its operator has to see to. */
import { hex } from '@countersign/core/protocol'
import type { Home } from '@countersign/keyexchange'
import type { Output } from '@countersign/keyexchange/cli'
import type { JournalNotice, OutboxNotice, Serials, StoredJournal } from '@countersign/store'

const OUTBOX: Readonly<Record<OutboxNotice['code'], string>> = {
  SERVER_REGRESSED: 'has lost messages that it had given receipts for: keep the receipts, they prove it',
  OUTBOX_MOVED: 'goes on at another outbox id, as the one before was given up: so does what it has given no receipt for',
  OUTBOX_BEHIND: 'holds later messages of this outbox than the outbox itself: it was restored from an older copy',
}

export function tellOfOutbox({ code, to, resent, resigned, lost }: OutboxNotice, output: Output): void {
  const lists: readonly (readonly [string, readonly Serials[]])[] = [
    ['sent again as they were', resent],
    ['signed anew, so that they may arrive twice', resigned],
    ['lost there, and no longer held here', lost],
  ]
  const told = lists.filter(([, serials]) => serials.length > 0).map(([what, serials]) => `  ${what}: ${listed(serials)}`)
  const peer = to.name ?? ''
  output.notice({ code, about: 'outbox', peer, resent, resigned, lost }, [`${peer} ${OUTBOX[code]}`, ...told])
}

function listed(serials: readonly Serials[]): string {
  return serials.map(({ serial, count }) => (count === 1 ? serial : `${serial}-${serial + count - 1}`)).join(', ')
}

export function tellOfJournal({ code, sender, outbox, number, elsewhere }: JournalNotice, home: Home, output: Output): void {
  const peer = home.evidence(sender)?.name ?? 'a peer that is forgotten'
  output.notice({ code, about: 'journal', peer, outbox: hex(outbox), number, elsewhere }, [
    `${peer} ${foundOf({ code, number, elsewhere })}`,
  ])
}

function foundOf({ code, number, elsewhere }: Pick<JournalNotice, 'code' | 'number' | 'elsewhere'>): string {
  if (code === 'MESSAGE_CONFLICT') {
    return `has signed another message as #${number}: its outbox was restored from an older copy, or copied; both statements are kept`
  }
  const first = 'comes for the first time since this journal was restored'
  if (!elsewhere) return `${first}: from #${number} on it sends again what it has receipts for, or what is new`
  return `${first}, at another outbox: what it has receipts for and no longer holds is lost here; its receipts prove it`
}

/** A journal that was made from a backup says so as long as it is used: what its senders have receipts for it may lack. */
export async function tellOfRestore(journal: StoredJournal, output: Output): Promise<void> {
  const last = journal.restores.at(-1)
  if (last === undefined) return
  const unheard = await journal.unheard()
  const at = last.at.toISOString()
  const told = { at, journal: hex(journal.id), former: hex(last.former), messages: last.messages, unheard }
  output.notice({ code: 'JOURNAL_RESTORED', about: 'journal', ...told }, [
    `this journal was restored at ${at} from a backup of ${last.messages} messages: what it lacks comes again from those who sent it; ${unheard} of their outboxes have not been heard of since`,
  ])
}
