/** When to try again: soon, then later and later, and never all at once. */

export interface BackoffOptions {
  /** The first wait, in ms; 250 where it is not said. */
  readonly first?: number
  /** The longest wait, in ms; a minute where it is not said. */
  readonly most?: number
}

export class Backoff {
  readonly #first: number
  readonly #most: number
  #next: number

  constructor({ first = 250, most = 60_000 }: BackoffOptions = {}) {
    this.#first = first
    this.#most = most
    this.#next = first
  }

  /** The next wait, in ms: the half of it is by chance, so that many who lost the same server do not return together. */
  next(): number {
    const wait = this.#next
    this.#next = Math.min(this.#most, wait * 2)
    return wait * (0.5 + Math.random() / 2)
  }

  /** A connection has lasted this long, in ms: one that ends at once is no success. */
  lasted(ms: number): void {
    if (ms > this.#next) this.reset()
  }

  reset(): void {
    this.#next = this.#first
  }
}
