/** Two swaps in one process, joined by nothing but the bytes they ask to send and to read. */
import { identity, type PrivateKey } from '@countersign/core'
import { swap, type SwapOptions, type SwapRole } from '../../src/swap/protocol.ts'
import type { Offer, Swapped, SwapStep } from '../../src/swap/step.ts'

export interface SideOptions {
  readonly privateKey: PrivateKey
  readonly name: string
  readonly code: string
  readonly random?: (length: number) => Uint8Array
  /** Instead of the private key's own signature */
  readonly sign?: (message: Uint8Array) => Uint8Array
  readonly decide?: (offer: Offer) => boolean
  /** Another swap has used the code up meanwhile */
  readonly codeSpent?: boolean
}

/** What one side did, and how it ended. */
export interface SideLog {
  readonly sent: Uint8Array[]
  readonly saved: Offer[]
  spent: number
  result?: Swapped
  error?: unknown
}

export interface PairOptions {
  readonly dialer: SideOptions
  readonly listener: SideOptions
  /** Sees each frame before it arrives, and answers what arrives; undefined cuts the connection there, both ways. */
  readonly between?: (frame: Uint8Array, from: SwapRole, index: number) => Uint8Array | undefined
}

const CUT = new Error('the connection was cut')

/** Runs both sides until neither can go on. */
export async function swapPair({
  dialer,
  listener,
  between = (frame) => frame,
}: PairOptions): Promise<{ dialer: SideLog; listener: SideLog }> {
  const sides = { dialer: new Side('dialer', dialer), listener: new Side('listener', listener) }
  let cut = false
  let index = 0
  for (let moved = true; moved;) {
    moved = false
    for (const role of ['dialer', 'listener'] as const) {
      const other = sides[role === 'dialer' ? 'listener' : 'dialer']
      while (await sides[role].step(cut || (other.ended && !other.pending))) moved = true
      for (const frame of sides[role].outgoing.splice(0)) {
        const arriving = cut ? undefined : between(frame, role, index++)
        if (arriving) other.incoming.push(...arriving)
        else cut = true
        moved = true
      }
    }
  }
  return { dialer: sides.dialer.log, listener: sides.listener.log }
}

class Side {
  readonly log: SideLog = { sent: [], saved: [], spent: 0 }
  readonly outgoing: Uint8Array[] = []
  readonly incoming: number[] = []
  readonly #options: SideOptions
  readonly #steps: Generator<SwapStep, Swapped, unknown>
  #step: IteratorResult<SwapStep, Swapped> | undefined

  constructor(role: SwapRole, options: SideOptions) {
    const { privateKey, code, name, random } = options
    const swapOptions: SwapOptions = { code, name, publicKey: privateKey.publicKey, ...(random && { random }) }
    this.#options = options
    this.#steps = swap(role, swapOptions)
    this.#advance(() => this.#steps.next())
  }

  get ended(): boolean {
    return this.#step === undefined || this.#step.done === true
  }

  get pending(): boolean {
    return this.outgoing.length > 0
  }

  /** One step, where one can be made; whether it was. */
  async step(cut: boolean): Promise<boolean> {
    if (this.ended) return false
    const step = this.#step!.value as SwapStep
    if ('need' in step && this.incoming.length < step.need) {
      if (!cut) return false
      this.#advance(() => this.#steps.throw(CUT))
      return true
    }
    const answer = await this.#answer(step)
    this.#advance(() => this.#steps.next(answer))
    return true
  }

  async #answer(step: SwapStep): Promise<unknown> {
    if ('send' in step) {
      this.log.sent.push(step.send)
      return this.outgoing.push(step.send)
    }
    if ('need' in step) return Uint8Array.from(this.incoming.splice(0, step.need))
    if ('sign' in step) return (this.#options.sign ?? identity(this.#options.privateKey).sign)(step.sign)
    if ('decide' in step) return this.#options.decide?.(step.decide) ?? true
    if ('save' in step) return this.log.saved.push(step.save)
    this.log.spent++
    return this.#options.codeSpent !== true
  }

  #advance(next: () => IteratorResult<SwapStep, Swapped>): void {
    try {
      this.#step = next()
      if (this.#step.done) this.log.result = this.#step.value
    } catch (error) {
      this.log.error = error
      this.#step = undefined
    }
  }
}
