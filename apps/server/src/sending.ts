/** Sending to a client: what is said goes into the outbox, and the running server hands it over while that client receives. */
import type { TrustedPeer } from '@countersign/keyexchange'
import { CliError, type Output } from '@countersign/keyexchange/cli'
import type { Way } from '@countersign/mailbox'
import { Elsewhere, Ending } from '@countersign/mailbox/stored'
import type { StoredOutbox } from '@countersign/store'
import { setTimeout as sleep } from 'node:timers/promises'

/** How often the outbox is looked at for receipts, and after how long a person is told what it waits for; ms */
const POLL = 100
const SILENT = 1000

const KEPT = 'it stays in the outbox: a running server hands it over when that client receives; see `outbox list`'

/**
 * The way through the outbox and the running server, wherever that runs.
 *
 * @param wait how long it is waited for receipts; ms
 */
export function openQueue(peer: TrustedPeer, outbox: StoredOutbox, output: Output, wait: number, interrupted: AbortSignal): Way {
  const ending = new Ending()
  const elsewhere = new Elsewhere(outbox)
  const over = new AbortController()
  const leaving = new AbortController()
  const signal = AbortSignal.any([leaving.signal, interrupted])
  const look = async (): Promise<Error> => {
    const began = performance.now()
    for (let told = false; !signal.aborted; await sleep(POLL, undefined, { signal }).catch(() => {})) {
      if (await elsewhere.look()) told = true
      const waited = performance.now() - began
      if (waited > wait) return new CliError('NETWORK', `${peer.name} has not received all of it in time`, KEPT)
      if (told || waited < SILENT) continue
      output.note(`waiting for ${peer.name} to receive; Ctrl-C leaves it in the outbox`)
      told = true
    }
    return new CliError('INTERRUPTED', 'interrupted', KEPT)
  }
  const ended = look().catch((error: unknown) => error as Error)
  void ended.then((error) => {
    over.abort(error)
    ending.end(error)
  })
  return {
    peer,
    over: over.signal,
    keeps: true,
    async send(body, options) {
      const { serial } = await outbox.enqueue(peer, body, options)
      return ending.before(elsewhere.receipt(serial))
    },
    async [Symbol.asyncDispose]() {
      leaving.abort()
      await ended
    },
  }
}
