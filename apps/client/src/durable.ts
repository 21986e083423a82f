/** The way through the outbox: what was sent is kept until its receipt has come, through as many sessions as it takes. */
import type { MessageBody, MessageOptions, Receipt } from '@countersign/core'
import { hex } from '@countersign/core/protocol'
import { CliError } from '@countersign/keyexchange/cli'
import type { Way } from '@countersign/mailbox'
import { Elsewhere, Ending, Lock } from '@countersign/mailbox/stored'
import type { StoredOutbox } from '@countersign/store'
import { setTimeout as sleep } from 'node:timers/promises'
import { stay, type StayOptions } from './stay.ts'
import { type Journey, sessionOptions, stopped } from './way.ts'

/** The way through the outbox, which also tells when a message is in it. */
export interface DurableWay extends Way {
  /** Queues a message; resolves once that is durable. Its receipt comes as `send` gives it. */
  queue(
    body: MessageBody | AsyncIterable<Uint8Array>,
    options: MessageOptions,
  ): Promise<{ readonly serial: number; readonly receipt: Promise<Receipt> }>
}

/** How often the outbox is looked at while another process sends what is in it, and how long it may take its time; ms */
const POLL = 100
const PATIENCE = 10_000

/**
 * Opens the way. One process at a time sends what an outbox holds for a server; the others put in what they have, and find
 * their receipts there.
 */
export async function openDurable(journey: Journey, outbox: StoredOutbox, options: StayOptions): Promise<DurableWay> {
  const { peer, interrupted } = journey
  const session = await sessionOptions(journey, options)
  const over = new AbortController()
  const leaving = new AbortController()
  const ending = new Ending()
  const elsewhere = new Elsewhere(outbox)
  const sender = async (): Promise<Error> => {
    const signal = AbortSignal.any([leaving.signal, interrupted])
    using lock = await turn(`${outbox.file}-${hex(peer.keys[0]!.id)}.lock`, elsewhere, options.retry, signal)
    // Awaited here: the lock is held until it is over.
    return (lock && (await stay(journey, session, options.retry, { outbox }, signal))) ?? stopped()
  }
  const ended = sender().catch((error: unknown) => error as Error)
  void ended.then((error) => {
    over.abort(error)
    ending.end(error)
  })
  const queue: DurableWay['queue'] = async (body, options) => {
    const { serial, receipt } = await outbox.enqueue(peer, body, options)
    const answer = ending.before(Promise.race([receipt, elsewhere.receipt(serial)]))
    // Its failure is told to whoever waits for it.
    answer.catch(() => {})
    return { serial, receipt: answer }
  }
  return {
    peer,
    over: over.signal,
    keeps: true,
    queue,
    send: async (body, options) => (await queue(body, options)).receipt,
    async [Symbol.asyncDispose]() {
      leaving.abort()
      await ended
    },
  }
}

/**
 * Waits until it is this process's turn to send; what another one has sent meanwhile is told.
 *
 * @returns undefined where the signal was aborted before
 * @throws CliError NETWORK where nothing of this process's is sent for too long
 */
async function turn(file: string, elsewhere: Elsewhere, retry: number, signal: AbortSignal): Promise<Lock | undefined> {
  for (let progress = performance.now(); !signal.aborted; await sleep(POLL, undefined, { signal }).catch(() => {})) {
    const lock = Lock.tryTake(file)
    if (await elsewhere.look()) progress = performance.now()
    if (lock !== undefined) {
      elsewhere.end()
      return lock
    }
    if (performance.now() - progress < Math.max(retry, PATIENCE)) continue
    const what = 'another client of this home is sending, and has not come to these messages yet'
    throw new CliError('NETWORK', what, 'they stay in the outbox: see `outbox list`')
  }
  return undefined
}
