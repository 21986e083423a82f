/** A journal in front of another one. */
import type { Journal } from '@countersign/core'

/** The same journal, but for what it does otherwise. */
export function journalWith(journal: Journal, other: Partial<Pick<Journal, 'append' | 'spool'>>): Journal {
  return {
    id: journal.id,
    durable: journal.durable,
    head: (place) => journal.head(place),
    find: (place, digest) => journal.find(place, digest),
    append: (entry) => journal.append(entry),
    spool: (place, digest, length) => journal.spool(place, digest, length),
    dropPartial: (place) => journal.dropPartial(place),
    ...other,
  }
}
