/** Where an outbox ends. */
import type { StoredOutbox } from '@countersign/store'

/** The serial of its last message; 0 where there is none. Serials have no gaps. */
export async function lastSerial(outbox: StoredOutbox): Promise<number> {
  let [there, past] = [0, 1]
  while ((await outbox.message(past)) !== undefined) [there, past] = [past, past * 2]
  while (past - there > 1) {
    const middle = (there + past) >> 1
    if ((await outbox.message(middle)) === undefined) past = middle
    else there = middle
  }
  return there
}
