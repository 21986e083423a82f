/** Both sides of a handshake in memory, from fixed randomness where it is wanted: for attempts by the hundred thousand. */
import { CountersignError, generatePrivateKey, identity, type Identity, type Peer } from '@countersign/core'
import {
  clientHandshake,
  type Entropy,
  type Established,
  NO_POSITION,
  random,
  serverHandshake,
  type Steps,
  systemEntropy,
  type Trust,
  xwing,
} from '@countersign/core/protocol'

/** A handshake that is fed bytes; it asks its driver for nothing that this does not answer. */
export class Driven {
  readonly sent: Uint8Array[] = []
  readonly #steps: Steps<Established>
  readonly #trust: (keyId: Uint8Array) => Trust
  #step: IteratorResult<unknown, Established> | undefined
  #held: Uint8Array = new Uint8Array(0)
  /** `waits` for more bytes, `done`, or the code of its error. */
  state: string = 'waits'
  established: Established | undefined

  constructor(steps: Steps<Established>, trust: (keyId: Uint8Array) => Trust = () => undefined) {
    this.#steps = steps
    this.#trust = trust
    this.#advance(() => this.#steps.next())
  }

  feed(bytes: Uint8Array): this {
    this.#held = Buffer.concat([this.#held, bytes])
    while (this.state === 'waits') {
      const { need } = this.#step!.value as { need: number }
      if (this.#held.length < need) return this
      const taken = this.#held.subarray(0, need)
      this.#held = this.#held.subarray(need)
      this.#advance(() => this.#steps.next(taken))
    }
    return this
  }

  #advance(next: () => IteratorResult<unknown, Established>): void {
    try {
      for (let step = next(); ; step = this.#steps.next(this.#answer(step.value as object))) {
        this.#step = step
        if (step.done) {
          this.established = step.value
          this.state = 'done'
          return
        }
        if ('need' in (step.value as object)) return
      }
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error
      this.state = error.code
    }
  }

  #answer(step: object): unknown {
    if ('send' in step) return void this.sent.push(step.send as Uint8Array)
    if ('sign' in step) {
      const { sign, as } = step as { sign: Uint8Array; as: Identity }
      return as.sign(sign)
    }
    if ('unwrap' in step) {
      const { unwrap, label, as } = step as { unwrap: Uint8Array; label: Uint8Array; as: Identity }
      return as.unwrap!(unwrap, label)
    }
    if ('trust' in step) return this.#trust(step.trust as Uint8Array)
    return { journal: new Uint8Array(16).fill(9), position: NO_POSITION }
  }

  end(): void {
    this.#steps.return(undefined as never)
  }
}

export interface Pair {
  readonly alice: Identity
  readonly bob: Identity
  client(): Driven
  server(): Driven
}

/** The same randomness each time: so that one recorded peer fits them all. */
export function fixedEntropy(): Entropy {
  const ephemeral = xwing.generate()
  const bytes = random(64)
  let encapsulated: ReturnType<typeof xwing.encapsulate>
  const kem = {
    generate: () => ephemeral,
    encapsulate(key: Uint8Array) {
      encapsulated ??= xwing.encapsulate(key)
      return encapsulated && { ...encapsulated, sharedSecret: Uint8Array.from(encapsulated.sharedSecret) }
    },
  }
  return { ...systemEntropy, random: (length) => Uint8Array.from(bytes.subarray(0, length)), kem }
}

/** Two who trust each other; every client and every server made here is the same again. */
export function pair(fixed: boolean = true): Pair {
  const alice = identity(generatePrivateKey())
  const bob = identity(generatePrivateKey())
  const peer: Peer = { keys: [alice.publicKey] }
  const entropies = fixed ? ([fixedEntropy(), fixedEntropy()] as const) : ([systemEntropy, systemEntropy] as const)
  const common = { outbox: new Uint8Array(16).fill(1), maxItem: 2 ** 53 }
  const trust = (keyId: Uint8Array): Trust => (Buffer.compare(keyId, alice.publicKey.id) === 0 ? { peer } : undefined)
  return {
    alice,
    bob,
    client: () => {
      const pinned = { keys: [bob.publicKey] }
      const options = { ...common, identity: alice, peer: pinned, receives: true, entropy: entropies[0] }
      return new Driven(clientHandshake(options))
    },
    server: () => new Driven(serverHandshake({ ...common, identities: [bob], entropy: entropies[1] }), trust),
  }
}

/** The four frames of a handshake between the two. */
export function framesOf({ client, server }: Pick<Pair, 'client' | 'server'>): {
  frames: Uint8Array[]
  client: Established
  server: Established
} {
  const [left, right] = [client(), server()]
  const frames: Uint8Array[] = []
  while (left.sent.length + right.sent.length > 0) {
    for (const [from, to] of [
      [left, right],
      [right, left],
    ] as const) {
      for (const frame of from.sent.splice(0)) {
        frames.push(frame)
        to.feed(frame)
      }
    }
  }
  if (left.established === undefined || right.established === undefined) throw new Error(`${left.state}, ${right.state}`)
  return { frames, client: left.established, server: right.established }
}
