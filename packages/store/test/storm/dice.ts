/** Chance that a seed replays. */
import { createHash } from 'node:crypto'

export class Dice {
  readonly #seed: string
  #rolls = 0
  #deck: string[] = []

  /** Each name has a sequence of its own. */
  constructor(seed: number, name: string) {
    this.#seed = `${seed} ${name}`
  }

  /** A whole number, from `least` to `most`. */
  between(least: number, most: number): number {
    this.#rolls += 1
    const roll = createHash('sha256').update(`${this.#seed} ${this.#rolls}`).digest().readUInt32BE()
    return least + (roll % (most - least + 1))
  }

  /** One of them; each comes once before any comes again. */
  draw(all: readonly string[]): string {
    this.#deck = this.#deck.filter((left) => all.includes(left))
    if (this.#deck.length === 0) this.#deck = [...all]
    return this.#deck.splice(this.between(0, this.#deck.length - 1), 1)[0]!
  }
}
