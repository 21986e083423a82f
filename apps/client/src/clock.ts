/** How far a server's clock is from this one: its receipts say when it received what was queued here. */
import type { Peer } from '@countersign/core'
import { equal } from '@countersign/core/protocol'
import type { StoredOutbox } from '@countersign/store'
import { lastSerial } from './serials.ts'

/** So many of the last messages are looked at. */
const LAST = 64

/**
 * By how many ms the server's clock is ahead, or behind where that is negative, at the least: 0 where its receipts fit this
 * clock; undefined where there are none.
 *
 * @param now ms since 1970, UTC
 */
export async function clockOffset(outbox: StoredOutbox, peer: Peer, now: number): Promise<number | undefined> {
  const last = await lastSerial(outbox)
  let offset: number | undefined
  for (let serial = last; serial > Math.max(0, last - LAST); serial--) {
    const message = await outbox.message(serial)
    if (message === undefined || !equal(message.receiver, peer.keys[0]!.id)) continue
    for (const { receiptStatement } of await message.receipts()) {
      const ahead = Math.max(0, receiptStatement.receivedAt - now)
      const behind = Math.min(0, receiptStatement.receivedAt - message.queuedAt.getTime())
      const found = ahead || behind
      if (offset === undefined || Math.abs(found) > Math.abs(offset)) offset = found
    }
  }
  return offset
}
