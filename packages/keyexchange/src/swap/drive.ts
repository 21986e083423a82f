/** Drives a swap: the clock, the socket, the person and the file system that the protocol itself does without. */
import type { Identity } from '@countersign/core'
import type { Channel } from './channel.ts'
import { CODE_LIFETIME } from './code.ts'
import { swap, type SwapRole } from './protocol.ts'
import type { Offer, Swapped, SwapStep } from './step.ts'

/** How long a connection may take to show that it knows the code; ms */
export const AGREEMENT_TIME = 30_000

/** What a swap needs of this side. */
export interface Party {
  readonly identity: Identity
  /** What this side calls itself */
  readonly name: string
  /** Shows the offer to a person, and answers whether they accept. Throws where the key may not be trusted. */
  decide(offer: Offer, signal: AbortSignal): boolean | Promise<boolean>
  /** Saves the offered key durably. */
  save(offer: Offer): void
}

export interface DriveOptions {
  readonly role: SwapRole
  readonly code: string
  readonly party: Party
  readonly channel: Channel
  /** The code is about to be used up; answers whether it was unspent. */
  readonly spend: () => boolean
  readonly signal: AbortSignal
}

/** Runs one swap to its end and closes the channel. @throws what `swap` throws; CliError NETWORK */
export async function driveSwap({ role, code, party, channel, spend, signal }: DriveOptions): Promise<Swapped> {
  const within = (time: number): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(time)])
  let deadline = within(AGREEMENT_TIME)
  const perform = (step: SwapStep): unknown => {
    if ('send' in step) return channel.write(step.send)
    if ('need' in step) return channel.read(step.need, deadline)
    if ('spend' in step) return spend()
    if ('decide' in step) return party.decide(step.decide, deadline)
    if ('save' in step) return party.save(step.save)
    // The code was right. From here on two people look at fingerprints.
    deadline = within(CODE_LIFETIME)
    return party.identity.sign(step.sign)
  }
  const steps = swap(role, { code, publicKey: party.identity.publicKey, name: party.name })
  try {
    let step = steps.next()
    while (!step.done) {
      let answer: unknown
      try {
        answer = await perform(step.value)
      } catch (error) {
        step = steps.throw(error)
        continue
      }
      step = steps.next(answer)
    }
    return step.value
  } finally {
    channel.end()
  }
}
