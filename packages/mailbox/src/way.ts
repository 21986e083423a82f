/** A way for messages to a peer, whatever carries them there. */
import type { MessageBody, MessageOptions, Peer, Receipt } from '@countersign/core'

export interface Way extends AsyncDisposable {
  readonly peer: Peer
  /** Aborts when it is over: no receipt will come any more. */
  readonly over: AbortSignal
  /** Whether what is sent when it is over is kept, to be sent another time. */
  readonly keeps: boolean
  /**
   * Sends a message; they arrive in the order of the calls.
   *
   * @returns its receipt, verified
   * @throws what core's `send` throws
   */
  send(body: MessageBody | AsyncIterable<Uint8Array>, options: MessageOptions): Promise<Receipt>
}
