/** The way through the outbox: what was sent is kept until its receipt has come, through as many sessions as it takes. */
import { type ErrorCode, isError, type Receipt } from '@countersign/core'
import { outcomeError } from '@countersign/core/protocol'
import { describeFailure, printable } from '@countersign/keyexchange/cli'
import {
  connect,
  type ConnectionState,
  type KeptReceipt,
  type OutboxMessage,
  retriable,
  type StoredOutbox,
} from '@countersign/store'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Journey, sessionOptions, stopped, type Way, type WayOptions } from './way.ts'

export interface DurableOptions extends WayOptions {
  /** How long to go on trying where the server cannot be reached or goes away; ms */
  readonly retry: number
}

/** After these the outbox goes on by itself at once: there is nothing to wait for. */
const GOES_ON: readonly ErrorCode[] = ['SERVER_REGRESSED', 'OUTBOX_BEHIND', 'PLACE_MOVED']

/** Another process of this home that sends: how often and how long its progress is looked at; ms */
const ELSEWHERE_POLL = 100
const ELSEWHERE_WITHIN = 10_000

export async function openDurable(journey: Journey, outbox: StoredOutbox, options: DurableOptions): Promise<Way> {
  const { peer, output, interrupted } = journey
  const session = await sessionOptions(journey, options)
  let connectedAt = performance.now()
  const client = connect({
    ...session,
    outbox,
    retries(end) {
      if (end.error !== undefined && GOES_ON.includes(end.error.code)) return true
      return retriable(end) && performance.now() - connectedAt < options.retry
    },
    onState(state) {
      if (state.state === 'connected') connectedAt = performance.now()
      if (state.state === 'waiting') output.note(`${peer.name}: ${waiting(state)}`)
    },
  })
  const over = new AbortController()
  const gaveUp = client.closed.then(({ error }) => {
    over.abort(error ?? stopped())
    return over.signal.reason as Error
  })
  const interrupt = (): void => void client.close(false)
  interrupted.addEventListener('abort', interrupt, { once: true })
  return {
    peer,
    over: over.signal,
    keeps: true,
    async send(body, options) {
      const { serial, receipt } = await outbox.enqueue(peer, body, options)
      const answer = await Promise.race([receipt, gaveUp])
      if (!(answer instanceof Error)) return answer
      if (isError(answer, 'SUPERSEDED')) return settledElsewhere(outbox, serial, answer)
      throw answer
    },
    async [Symbol.asyncDispose]() {
      interrupted.removeEventListener('abort', interrupt)
      await client.close()
    },
  }
}

function waiting({ ms, error }: ConnectionState & { state: 'waiting' }): string {
  const what = printable(describeFailure(error ?? stopped()).message)
  return `${what}; trying again in ${(ms / 1000).toFixed(1)} s`
}

/** Another process of this home has taken over, and sends what is in the outbox: its receipt is read there. */
async function settledElsewhere(outbox: StoredOutbox, serial: number, why: Error): Promise<Receipt> {
  for (const until = performance.now() + ELSEWHERE_WITHIN; performance.now() < until; await sleep(ELSEWHERE_POLL)) {
    const message = await outbox.message(serial)
    if (message?.outcome === undefined) continue
    const receipt = await receiptOf(message)
    const error = outcomeError(receipt)
    if (error !== undefined) throw error
    return receipt
  }
  throw why
}

/** The last receipt of a message that has one. */
export async function receiptOf(message: OutboxMessage): Promise<Receipt> {
  const kept = (await message.receipts()).at(-1)!
  return asReceipt(kept, message)
}

export function asReceipt(kept: KeptReceipt, { number, outcome }: Pick<OutboxMessage, 'number' | 'outcome'>): Receipt {
  const { receipt, receiptStatement: statement, message } = kept
  return { outcome: outcome!, number, receivedAt: new Date(statement.receivedAt), statement, receipt, message }
}
