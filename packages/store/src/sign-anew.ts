/** Signing messages anew, at fresh numbers: in one envelope as before, or each alone. */
import { type Identity, isError } from '@countersign/core'
import { decode, LEAF_LENGTH, messageStatement } from '@countersign/core/protocol'
import { batchOf } from './enqueuer.ts'
import type { EnvelopeRow, NewEnvelope } from './outbox-rows.ts'
import { ALONE, type OutboxTables } from './outbox-tables.ts'
import { signEnvelope } from './queued-envelope.ts'
import { isLong, type KeptItem } from './spooled-body.ts'
import { splitItems } from './stored-message.ts'
import type { Remote } from './tables.ts'

/** Signs all that waits for it, and puts it in the place of what was. */
export async function signAnew(tables: Remote<OutboxTables>, identity: Identity): Promise<void> {
  for (let after = 0; ;) {
    const row = await tables.again(after)
    if (row === undefined) return
    try {
      await signOneAnew(tables, identity, row)
      after = row.id
    } catch (error) {
      // Another process has numbered or signed meanwhile: look again.
      if (!isError(error, 'PLACE_MOVED')) throw error
    }
  }
}

async function signOneAnew(tables: Remote<OutboxTables>, identity: Identity, row: EnvelopeRow): Promise<void> {
  const place = await tables.place(row.receiver)
  const { to, leaves, sentAt } = decode(messageStatement, row.statement)
  const kept = splitItems(row, (file) => file) ?? []
  const itemAt = (position: number): KeptItem => {
    const { length, at } = kept[position]!
    const leaf = leaves.subarray(LEAF_LENGTH * position, LEAF_LENGTH * (position + 1))
    return at instanceof Uint8Array ? { leaf, length, bytes: at } : { leaf, length, bytes: new Uint8Array(0), file: at.path }
  }
  const envelopes: NewEnvelope[] = []
  let first = place.last + 1
  for (const run of runs(row, await tables.droppedOf(row.id))) {
    const numbers = { to, outbox: place.outbox, first, sentAt }
    const items = run.map(itemAt)
    const together = isLong(items[0]!) ? items[0] : batchOf(items)
    envelopes.push(await signEnvelope(identity, numbers, together, row.serial + run[0]!))
    first += run.length
  }
  await tables.replace(row.id, place.id, envelopes)
}

/** The positions that go on, in groups that share an envelope: serials in it are without gaps. */
function runs({ count, again }: EnvelopeRow, dropped: readonly number[]): number[][] {
  const grouped: number[][] = []
  for (let position = 0; position < count; position++) {
    if (dropped.includes(position)) continue
    const last = grouped.at(-1)
    if (again !== ALONE && last?.at(-1) === position - 1) last.push(position)
    else grouped.push([position])
  }
  return grouped
}
