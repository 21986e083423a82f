/** Records, from the protocol's section 7. */
import { type Bytes, cat, keyOf, label, nonceOf, seal, uint } from './primitives.ts'

export interface SealedRecord {
  readonly secret: Buffer
  readonly key: Buffer
  readonly iv: Buffer
  readonly seq: number
  readonly nonce: Buffer
  readonly frame: Buffer
}

/** One direction: a traffic secret and how often it has sealed. */
export class Direction {
  #secret: Bytes
  #seq: number

  constructor(secret: Bytes, seq = 0) {
    this.#secret = secret
    this.#seq = seq
  }

  record(kind: number, payload: Bytes): SealedRecord {
    const secret = this.#secret
    const seq = this.#seq++
    const { key, iv } = keyOf(secret)
    const header = cat(uint(1, 5), uint(3, 1 + payload.length + 16))
    const frame = cat(header, seal(secret, seq, header, cat(uint(1, kind), payload)))
    if (kind === 4) {
      this.#secret = label(secret, 'traffic update', '', 32)
      this.#seq = 0
    }
    return { secret: Buffer.from(secret), key, iv, seq, nonce: nonceOf(iv, seq), frame }
  }
}
