/**
 * What a swap asks of whoever drives it. Like the handshake it is a synchronous generator: no socket, clock or prompt is
 * in it, its locals are its state, and `finally` wipes.
 */
import type { PublicKey } from '@countersign/core'

/** A public key that crossed, its possession proved, and what its owner is called. */
export interface Offer {
  readonly publicKey: PublicKey
  readonly name: string
}

/** One request of a swap; the comment says what its answer is. An error may be thrown in instead: it ends the swap. */
export type SwapStep =
  /** One whole frame to write. No answer. */
  | { readonly send: Uint8Array }
  /** Exactly this many bytes of the peer's. */
  | { readonly need: number }
  /** This side is about to use the code up. Whether it was unspent: boolean. */
  | { readonly spend: true }
  /** A signature by this side's identity. */
  | { readonly sign: Uint8Array }
  /** Whether a person accepts: boolean. */
  | { readonly decide: Offer }
  /** The key to be saved, durably. No answer. */
  | { readonly save: Offer }

export type SwapSteps<R> = Generator<SwapStep, R, unknown>

/** How a swap ended well: this side has saved the key. */
export interface Swapped {
  readonly offer: Offer
  /** Whether the other side said that it has saved this side's key; without that it may not have */
  readonly confirmed: boolean
}
