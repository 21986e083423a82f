/** Sends messages in their order and prints the receipt of each. */
import type { Receipt } from '@countersign/core'
import type { Output } from '@countersign/keyexchange/cli'
import type { Input } from './input.ts'
import { printReceipt, receiptBehind } from './receipts.ts'
import type { Way } from './way.ts'

/** Messages that may wait for their receipts at a time. */
const MOST_WAITING = 4096

/** How long a pipe may say nothing once no receipt will come any more; ms */
const QUIET_AFTER = 500

export interface Dispatched {
  /** The first refusal, where a receipt says so: the messages behind it were sent all the same. */
  readonly refusal: Error | undefined
  /** The first thing that kept a receipt from coming. */
  readonly failure: Error | undefined
  /** Messages without a receipt. */
  readonly unanswered: number
}

/**
 * Sends all messages; resolves when the receipt of each is printed, or will not come.
 *
 * @param interrupted ends what would wait for more to send
 */
export async function dispatch(way: Way, input: Input, output: Output, interrupted: AbortSignal): Promise<Dispatched> {
  const most = input.typed ? 1 : MOST_WAITING
  const lull = new Lull(way.over, way.keeps && !input.typed ? QUIET_AFTER : 0)
  const signal = AbortSignal.any([interrupted, lull.signal])
  let refusal: Error | undefined
  let failure: Error | undefined
  let unanswered = 0
  let waiting = 0
  let printed = Promise.resolve()
  const print = async (sending: Promise<Receipt>, name: string | undefined): Promise<void> => {
    try {
      printReceipt(output, way.peer, await sending, name)
    } catch (error) {
      const receipt = receiptBehind(error)
      if (receipt !== undefined) {
        printReceipt(output, way.peer, receipt, name)
        refusal ??= error as Error
      } else {
        unanswered += 1
        failure ??= error as Error
      }
    }
    waiting -= 1
  }
  for await (const { body, options } of input.messages(signal)) {
    const sending = way.send(body, options)
    // Its failure is told in its turn.
    sending.catch(() => {})
    waiting += 1
    printed = printed.then(() => print(sending, options.name))
    lull.heard()
    if (waiting >= most) await printed
  }
  lull.end()
  await printed
  return { refusal, failure, unanswered }
}

/**
 * Aborts when the way is over and no more input is at hand: what waits in a pipe can still be kept, but nobody should
 * wait for a pipe that stays open.
 */
class Lull {
  readonly #ending = new AbortController()
  readonly #over: AbortSignal
  readonly #quietAfter: number
  #timer: NodeJS.Timeout | undefined

  /** @param quietAfter ms without input */
  constructor(over: AbortSignal, quietAfter: number) {
    this.#over = over
    this.#quietAfter = quietAfter
    over.addEventListener('abort', this.heard, { once: true })
  }

  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /** There was input. */
  readonly heard = (): void => {
    if (!this.#over.aborted) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#ending.abort(), this.#quietAfter)
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#over.removeEventListener('abort', this.heard)
  }
}
