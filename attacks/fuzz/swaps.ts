/** Swaps whose other side sends what it likes: frames in the clear, and offers sealed under the right code. */
import { CountersignError, generatePrivateKey, identity } from '@countersign/core'
import { concat } from '@countersign/core/protocol'
import { CliError } from '@countersign/keyexchange/cli'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Target } from './fuzzer.ts'

type Step = {
  readonly send?: Uint8Array
  readonly need?: number
  readonly sign?: Uint8Array
  readonly spend?: true
  readonly decide?: unknown
}
type Steps = Generator<Step, unknown, unknown>
type Swap = (role: 'dialer' | 'listener', options: object) => Steps

// The swap is no part of what keyexchange exports: it is reached where it stands.
const source = join(import.meta.dirname, '../../packages/keyexchange/src/swap/protocol.ts')
const { swap } = (await import(pathToFileURL(source).href)) as { swap: Swap }

const [dialerKey, listenerKey] = [identity(generatePrivateKey()), identity(generatePrivateKey())]
const code = 'abandon-ability-able'

class Side {
  readonly sent: Uint8Array[] = []
  readonly #steps: Steps
  readonly #key: typeof dialerKey
  #held: Uint8Array = new Uint8Array(0)
  #need = 0
  saved = false
  state = 'waits'

  constructor(role: 'dialer' | 'listener', fill: number) {
    this.#key = role === 'dialer' ? dialerKey : listenerKey
    const random = (length: number): Uint8Array => new Uint8Array(length).fill(fill)
    this.#steps = swap(role, { code, publicKey: this.#key.publicKey, name: role, random })
    this.#advance(undefined)
  }

  feed(bytes: Uint8Array): this {
    this.#held = concat(this.#held, bytes)
    while (this.state === 'waits' && this.#held.length >= this.#need) {
      const taken = this.#held.subarray(0, this.#need)
      this.#held = this.#held.subarray(this.#need)
      this.#advance(taken)
    }
    return this
  }

  #advance(answer: unknown): void {
    try {
      for (let step = this.#steps.next(answer); ;) {
        if (step.done) {
          this.state = 'done'
          return
        }
        const { send, need, sign, spend, decide } = step.value
        if (need !== undefined) {
          this.#need = need
          return
        }
        if (send !== undefined) this.sent.push(send)
        if (!send && !sign && !spend && !decide) this.saved = true
        step = this.#steps.next(sign ? this.#key.sign(sign) : true)
      }
    } catch (error) {
      if (!(error instanceof CliError) && !(error instanceof CountersignError)) throw error
      this.state = error.message.slice(0, 60)
    }
  }
}

const [left, right] = [new Side('dialer', 3), new Side('listener', 5)]
const heard: { dialer: Uint8Array[]; listener: Uint8Array[] } = { dialer: [], listener: [] }
for (let i = 0, j = 0; i < left.sent.length || j < right.sent.length;) {
  for (; i < left.sent.length; i++) {
    heard.listener.push(left.sent[i]!)
    right.feed(left.sent[i]!)
  }
  for (; j < right.sent.length; j++) {
    heard.dialer.push(right.sent[j]!)
    left.feed(right.sent[j]!)
  }
}
if (left.state !== 'done' || right.state !== 'done') throw new Error(`the swap itself fails: ${left.state}, ${right.state}`)

export const swaps: Target = {
  name: 'swap',
  promise:
    'whatever the other side sends in the place of a swap’s frames ends in an error for people; nothing is saved unless all of it is the other side’s own',
  covers: /keyexchange\/src\/swap\/(protocol|frames|cpace)/,
  longest: 1_200,
  seeds: (['dialer', 'listener'] as const).flatMap((role, i) => {
    // Cut short at each frame, so that what is changed is not always the first.
    return heard[role].map((_, count) => concat(Uint8Array.of(i), ...heard[role].slice(0, count + 1)))
  }),
  run(input) {
    const role = ((input[0] ?? 0) & 1) === 0 ? 'dialer' : 'listener'
    const bytes = input.subarray(1)
    const side = new Side(role, role === 'dialer' ? 3 : 5).feed(bytes)
    const whole = concat(...heard[role])
    const honest = Buffer.compare(bytes.subarray(0, whole.length), whole.subarray(0, bytes.length)) === 0
    if (
      side.saved &&
      !honest &&
      Buffer.compare(bytes.subarray(0, whole.length - 19), whole.subarray(0, whole.length - 19)) !== 0
    ) {
      throw new Error('saved what the other side did not offer')
    }
    return side.state
  },
}
