/** The way through the outbox: what was sent is kept until its receipt has come, through as many sessions as it takes. */
import type { ErrorCode } from '@countersign/core'
import { hex } from '@countersign/core/protocol'
import { CliError, describeFailure, printable } from '@countersign/keyexchange/cli'
import type { Way } from '@countersign/mailbox'
import { Elsewhere, Lock } from '@countersign/mailbox/stored'
import { connect, type ConnectionState, retriable, type StoredOutbox } from '@countersign/store'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Journey, sessionOptions, stopped, type WayOptions } from './way.ts'

export interface DurableOptions extends WayOptions {
  /** How long to go on trying where the server cannot be reached or goes away; ms */
  readonly retry: number
}

/** After these the outbox goes on by itself at once: there is nothing to wait for. */
const GOES_ON: readonly ErrorCode[] = ['SERVER_REGRESSED', 'OUTBOX_BEHIND', 'PLACE_MOVED']

/** How often the outbox is looked at while another process sends what is in it, and how long it may take its time; ms */
const POLL = 100
const PATIENCE = 10_000

/**
 * Opens the way. One process at a time sends what an outbox holds for a server; the others put in what they have, and find
 * their receipts there.
 */
export async function openDurable(journey: Journey, outbox: StoredOutbox, options: DurableOptions): Promise<Way> {
  const { peer, interrupted } = journey
  const session = await sessionOptions(journey, options)
  const over = new AbortController()
  const leaving = new AbortController()
  const elsewhere = new Elsewhere(outbox)
  const sender = async (): Promise<Error> => {
    const signal = AbortSignal.any([leaving.signal, interrupted])
    using lock = await turn(`${outbox.file}-${hex(peer.keys[0]!.id)}.lock`, elsewhere, options.retry, signal)
    // Awaited here: the lock is held until it is over.
    return lock === undefined ? stopped() : await stay(journey, outbox, session, options, signal)
  }
  const ended = sender().catch((error: unknown) => error as Error)
  void ended.then((error) => over.abort(error))
  return {
    peer,
    over: over.signal,
    keeps: true,
    async send(body, options) {
      const { serial, receipt } = await outbox.enqueue(peer, body, options)
      const answer = await Promise.race([receipt, elsewhere.receipt(serial), ended])
      if (answer instanceof Error) throw answer
      return answer
    },
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
    throw new CliError('NETWORK', what, 'they stay in the outbox: see countersign-client outbox list')
  }
  return undefined
}

/** Connects and stays until the signal, or until there is no point in trying again. @returns why it is over */
async function stay(
  { peer, output, interrupted }: Journey,
  outbox: StoredOutbox,
  session: Awaited<ReturnType<typeof sessionOptions>>,
  { retry }: DurableOptions,
  signal: AbortSignal,
): Promise<Error> {
  let connectedAt = performance.now()
  const client = connect({
    ...session,
    outbox,
    retries(end) {
      if (end.error !== undefined && GOES_ON.includes(end.error.code)) return true
      return retriable(end) && performance.now() - connectedAt < retry
    },
    onState(state) {
      if (state.state === 'connected') connectedAt = performance.now()
      if (state.state === 'waiting') output.note(`${peer.name}: ${waiting(state)}`)
    },
  })
  const leave = (): void => void client.close(!interrupted.aborted)
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  const { error } = await client.closed
  signal.removeEventListener('abort', leave)
  return error ?? stopped()
}

function waiting({ ms, error }: ConnectionState & { state: 'waiting' }): string {
  const what = printable(describeFailure(error ?? stopped()).message)
  return `${what}; trying again in ${(ms / 1000).toFixed(1)} s`
}
