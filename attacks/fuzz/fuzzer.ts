/**
 * A small fuzzer: it changes inputs that it holds, runs a target with them, and keeps what made the target say
 * something that it had not said before. Every run is repeatable from its seed.
 */

/** A target says in a word what it did with an input; it throws where a promise was broken. */
export interface Target {
  readonly name: string
  /** What is tried and what must hold. */
  readonly promise: string
  /** The sources whose branches it is to reach. */
  readonly covers: RegExp
  readonly seeds: readonly Uint8Array[]
  /** Where inputs longer than this reach nothing new. */
  readonly longest: number
  run(input: Uint8Array): string | Promise<string>
}

/** A promise was broken: the input that did it, for a test of its own. */
export class Crash extends Error {
  override readonly name = 'Crash'
  readonly input: Uint8Array

  constructor(target: string, input: Uint8Array, cause: unknown) {
    super(`${target} broke its promise with ${Buffer.from(input).toString('base64')}: ${String((cause as Error).stack)}`, {
      cause,
    })
    this.input = input
  }
}

/** Numbers from a seed: xorshift32. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1
  }

  /** An integer from 0 up to and without `below`. */
  roll(below: number): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x >>> 0
    return this.#state % below
  }
}

const NUMBERS = [
  '00',
  '01',
  '7f',
  '80',
  'ff',
  '0000',
  'ffff',
  '00000000',
  '00000001',
  '00010000',
  '7fffffff',
  '80000000',
  'ffffffff',
]
  .concat([
    '0020000000000000',
    '0020000000000001',
    '001fffffffffffff',
    'ffffffffffffffff',
    'fffffffffffffffe',
    '0000000000000001',
  ])
  .map((hexadecimal) => Buffer.from(hexadecimal, 'hex'))

type Change = (input: Uint8Array, dice: Dice, others: readonly Uint8Array[]) => Uint8Array

function cut(input: Uint8Array, from: number, to: number, between: Uint8Array = new Uint8Array(0)): Uint8Array {
  return Buffer.concat([input.subarray(0, from), between, input.subarray(to)])
}

const changes: readonly Change[] = [
  (input, dice) => {
    const changed = Uint8Array.from(input)
    if (changed.length > 0) changed[dice.roll(changed.length)]! ^= 1 << dice.roll(8)
    return changed
  },
  (input, dice) => {
    const changed = Uint8Array.from(input)
    if (changed.length > 0) changed[dice.roll(changed.length)] = dice.roll(256)
    return changed
  },
  (input, dice) => {
    const number = NUMBERS[dice.roll(NUMBERS.length)]!
    const at = dice.roll(input.length + 1)
    return cut(input, at, Math.min(input.length, at + number.length), number)
  },
  (input, dice) => {
    const from = dice.roll(input.length + 1)
    return cut(input, from, Math.min(input.length, from + 1 + dice.roll(40)))
  },
  (input, dice) => {
    const at = dice.roll(input.length + 1)
    return cut(
      input,
      at,
      at,
      Uint8Array.from({ length: 1 + dice.roll(40) }, () => dice.roll(256)),
    )
  },
  (input, dice) => {
    const from = dice.roll(input.length + 1)
    const piece = input.subarray(from, from + 1 + dice.roll(80))
    const at = dice.roll(input.length + 1)
    return cut(input, at, at, piece)
  },
  (input, dice) => input.subarray(0, dice.roll(input.length + 1)),
  (input, dice, others) => {
    const other = others[dice.roll(others.length)]!
    return Buffer.concat([input.subarray(0, dice.roll(input.length + 1)), other.subarray(dice.roll(other.length + 1))])
  },
  (input, dice) => {
    // A length prefix that tells the truth again after the bytes behind it were changed.
    const changed = Uint8Array.from(input)
    if (changed.length < 8) return changed
    const at = dice.roll(changed.length - 4)
    new DataView(changed.buffer).setUint32(at, Math.max(0, changed.length - at - 4 - dice.roll(3)))
    return changed
  },
]

export interface Outcome {
  readonly runs: number
  /** The inputs that are worth keeping: the seeds, and one for each new word of the target. */
  readonly corpus: readonly Uint8Array[]
  readonly words: ReadonlyMap<string, number>
  readonly seconds: number
}

const MOST_KEPT = 200

/** @throws Crash */
export async function fuzz(target: Target, runs: number, seed: number, kept: readonly Uint8Array[] = []): Promise<Outcome> {
  const dice = new Dice(seed)
  const corpus = [...target.seeds, ...kept]
  const words = new Map<string, number>()
  const started = performance.now()
  const run = async (input: Uint8Array): Promise<boolean> => {
    let word: string
    try {
      const said = target.run(input)
      word = typeof said === 'string' ? said : await said
    } catch (cause) {
      throw new Crash(target.name, input, cause)
    }
    const count = words.get(word)
    words.set(word, (count ?? 0) + 1)
    return count === undefined
  }
  for (const input of corpus) await run(input)
  for (let i = corpus.length; i < runs; i++) {
    let input = corpus[dice.roll(corpus.length)]!
    for (let left = 1 + dice.roll(4); left > 0; left--) input = changes[dice.roll(changes.length)]!(input, dice, corpus)
    input = Uint8Array.from(input.subarray(0, target.longest))
    if ((await run(input)) && corpus.length < MOST_KEPT) corpus.push(input)
    if (i % 4096 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  return { runs, corpus, words, seconds: (performance.now() - started) / 1000 }
}
