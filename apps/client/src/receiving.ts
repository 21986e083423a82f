/** Receiving from servers: what they send is stored and receipted here as a server does it, then printed and handed on. */
import type { TraceEvent } from '@countersign/core'
import type { TrustedPeer } from '@countersign/keyexchange'
import { CliError } from '@countersign/keyexchange/cli'
import type { HookOptions } from '@countersign/mailbox'
import { attendInbox, drain, Lock, type Shown } from '@countersign/mailbox/stored'
import type { StoredJournal } from '@countersign/store'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { stay, type StayOptions } from './stay.ts'
import { type Journey, sessionOptions } from './way.ts'

export interface ReceivingOptions extends StayOptions, HookOptions, Shown {
  /** Whether to stay when nothing more comes */
  readonly follow?: boolean
  /** How long to wait for a message where it does not stay; ms */
  readonly wait: number
}

/**
 * Receives from all these servers; resolves when it was interrupted, as much was printed as was wanted, or nothing more came.
 *
 * @throws what keeps it from receiving
 */
export async function receive(
  peers: readonly TrustedPeer[],
  journey: Omit<Journey, 'peer'>,
  options: ReceivingOptions,
): Promise<void> {
  const { home, output, interrupted } = journey
  mkdirSync(home.stateFolder, { recursive: true, mode: 0o700 })
  // Two would print each message twice, and run hooks for it twice.
  using lock = Lock.tryTake(join(home.stateFolder, 'receive.lock'))
  if (lock === undefined) {
    const hint = 'stop that one, or look at what it receives: countersign-client inbox list --follow'
    throw new CliError('STORAGE', 'another process of this home receives already; nothing was done', hint)
  }
  await attendInbox(home, options, output, async (journal, beside) => {
    const ending = new AbortController()
    const signal = AbortSignal.any([interrupted, ending.signal])
    const end = (): void => ending.abort()
    Promise.race(beside).then(end, end)
    const ends = peers.map((peer) => receiveFrom({ ...journey, peer }, journal, options, signal))
    try {
      const error = (await Promise.all(ends)).find((end) => end !== undefined)
      if (error !== undefined) throw error
    } finally {
      end()
      await Promise.allSettled(ends)
    }
  })
}

/** @returns why it is over, where nobody has ended it */
async function receiveFrom(
  journey: Journey,
  journal: StoredJournal,
  { follow = false, wait, retry, ...options }: ReceivingOptions,
  signal: AbortSignal,
): Promise<Error | undefined> {
  const ending = new AbortController()
  using lull = new Lull(follow ? Infinity : wait, () => ending.abort())
  const trace = (event: TraceEvent): void => {
    journey.trace(event)
    lull.see(event)
  }
  const session = await sessionOptions({ ...journey, trace }, options)
  // Awaited here: the lull is disposed of behind it. One that is told of later has a timer that keeps the process.
  return await stay(
    journey,
    session,
    retry,
    { journal },
    AbortSignal.any([signal, ending.signal]),
    (client) => void drain(client),
  )
}

/** Tells when no message has come for a while, counted from the beginning of a session. */
class Lull implements Disposable {
  readonly #after: number
  readonly #tell: () => void
  #timer: NodeJS.Timeout | undefined

  /** @param after ms; Infinity: never */
  constructor(after: number, tell: () => void) {
    this.#after = after
    this.#tell = tell
  }

  see({ sent, frame, kind }: TraceEvent): void {
    const begins = this.#timer === undefined && frame === 'RECORD'
    const comes = !sent && (kind === 'MESSAGE' || kind === 'MESSAGE-END')
    if (this.#after === Infinity || !(begins || comes)) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#tell, this.#after)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}
