/**
 * What the published vectors are made of: values that follow from a name, and values that were random once.
 *
 * RSA keys, PSS and ML-DSA signatures, encapsulations and OAEP come out otherwise each time. The tape keeps what they
 * came out as, and plays it again, so that the same vectors can be made anew.
 */
import { createHash } from 'node:crypto'
import { hex } from '../../src/bytes.ts'

/** Bytes that everybody can make again: SHAKE256 of a name. */
export function fixed(name: string, length: number): Uint8Array {
  return createHash('shake256', { outputLength: length }).update(`countersign/1 vectors ${name}`).digest()
}

export class Tape {
  readonly #recorded: Readonly<Record<string, string>> | undefined
  readonly #played = new Map<string, string>()

  /** Plays what was recorded, or records anew. */
  constructor(recorded?: Readonly<Record<string, string>>) {
    this.#recorded = recorded
  }

  take(name: string, make: () => Uint8Array): Uint8Array {
    if (this.#played.has(name)) throw new Error(`${name} is on the tape already`)
    const recorded = this.#recorded?.[name]
    if (this.#recorded && recorded === undefined) throw new Error(`${name} is not on the tape: record it with --fresh`)
    const bytes = recorded === undefined ? make() : Buffer.from(recorded, 'hex')
    this.#played.set(name, hex(bytes))
    return bytes
  }

  /** All that was played or recorded, by name. */
  get values(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#played)
  }
}
