/** `outbox retry`: waits for the receipts of what is queued, and prints them. */
import type { Peer } from '@countersign/core'
import { equal } from '@countersign/core/protocol'
import type { Output } from '@countersign/keyexchange/cli'
import type { StoredOutbox } from '@countersign/store'
import { printReceipt } from './receipts.ts'
import type { Way } from './way.ts'

/**
 * @param open opens the way that it goes, where anything waits
 * @throws why the way is over, where that was before
 */
export async function retry(outbox: StoredOutbox, peer: Peer, output: Output, open: () => Way | Promise<Way>): Promise<void> {
  const waiting: number[] = []
  for await (const { serial, outcome, receiver } of outbox.messages()) {
    if (outcome === undefined && equal(receiver, peer.keys[0]!.id)) waiting.push(serial)
  }
  if (waiting.length === 0) return
  const { receiptOf } = await import('./elsewhere.ts')
  await using way = await open()
  await Promise.race([outbox.drained(peer, way.over), aborted(way.over)])
  if (way.over.aborted) throw way.over.reason
  for (const serial of waiting) {
    const message = await outbox.message(serial)
    if (message?.outcome !== undefined) printReceipt(output, peer, await receiptOf(message))
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
