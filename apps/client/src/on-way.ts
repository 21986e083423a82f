/** How much of what is sent is at its receiver or on the way there, through as many sessions as it takes. */
import type { SecureSession, TraceEvent } from '@countersign/core'
import type { Progress } from '@countersign/keyexchange/cli'
import type { Way } from '@countersign/mailbox'

export class OnWay {
  readonly #bar: Pick<Progress, 'reach'> | undefined
  /** Bytes that have their receipts; those that stood there when this session began; and those that it has sent since */
  #settled = 0
  #before = 0
  #sent = 0

  constructor(bar: Pick<Progress, 'reach'> | undefined) {
    this.#bar = bar
  }

  /** A session goes on where the receiver is: what was on its way when the one before it ended may not have arrived. */
  begin({ peerHolds }: Pick<SecureSession, 'peerHolds'>): void {
    this.#before = this.#settled + peerHolds
    this.#sent = 0
    this.#bar?.reach(this.#before)
  }

  see({ sent, kind, length }: TraceEvent): void {
    if (!sent || kind !== 'MESSAGE') return
    this.#sent += length
    this.#bar?.reach(this.#before + this.#sent)
  }

  /** The same way, whose receipts are counted. */
  counted(way: Way): Way {
    const send: Way['send'] = async (body, options) => {
      const receipt = await way.send(body, options)
      if (body instanceof Blob) this.#settled += body.size
      return receipt
    }
    return { ...way, send, [Symbol.asyncDispose]: () => way[Symbol.asyncDispose]() }
  }
}
