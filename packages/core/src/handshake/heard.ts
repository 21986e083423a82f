/** The HELLOs that a server has heard, so that in a crowd one that is said again costs no handshake and keeps nobody out (protocol section 3). */
import { view } from '../bytes.ts'

/** How many are remembered at the least, of those that came last; at the most twice as many, which takes a megabyte. */
export const REMEMBERED = 8192

/** A client makes each HELLO anew, so that whoever says one again has recorded it. */
export class Heard {
  #latest = new Set<string>()
  #before = new Set<string>()

  /**
   * Whether a HELLO with this gate was heard before; from now on it was.
   *
   * @param gate one that holds: what strangers invent is not remembered, and so drives nothing out
   */
  again(gate: Uint8Array): boolean {
    // It stands for the whole frame: another HELLO under the same 16 bytes of HMAC is not to be found.
    const name = view(gate.subarray(0, 16)).toString('latin1')
    const again = this.#latest.has(name) || this.#before.has(name)
    // One that is said again and again stays.
    this.#latest.add(name)
    if (this.#latest.size === REMEMBERED) {
      this.#before = this.#latest
      this.#latest = new Set()
    }
    return again
  }
}
