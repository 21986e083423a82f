/** Handshakes without a wire: bytes in, frames out, at once. */
import { concat } from '../../src/bytes.ts'
import { CountersignError, type ErrorCode, NetworkError } from '../../src/errors.ts'
import { clientHandshake, type ClientHandshake } from '../../src/handshake/client.ts'
import type { Established } from '../../src/handshake/peer.ts'
import { serverHandshake, type ServerHandshake } from '../../src/handshake/server.ts'
import type { Location, Peer, Step, Steps, Trust } from '../../src/handshake/step.ts'
import { freshSigner } from './signer.ts'

/** What a handshake asks of whoever drives it, beside bytes and signatures. */
export interface Knowledge {
  readonly trust: (keyId: Uint8Array) => Trust
  readonly locate: (peer: Peer, outbox: Uint8Array) => Location
}

/** One side's handshake, as far as the bytes that it was fed have brought it. */
export class HandshakeMachine {
  /** The frames that it has sent. */
  readonly sent: Uint8Array[] = []
  established: Established | undefined
  error: CountersignError | undefined
  /** Every number of bytes that it has asked for. */
  readonly asked: number[] = []
  readonly #steps: Steps<Established>
  readonly #knowledge: Knowledge
  #held: Uint8Array = new Uint8Array(0)

  constructor(steps: Steps<Established>, knowledge: Knowledge) {
    this.#steps = steps
    this.#knowledge = knowledge
    this.#run(() => steps.next())
  }

  /** 'waiting' for more bytes, 'established', or the code of the error that ended it. */
  get outcome(): 'waiting' | 'established' | ErrorCode {
    if (this.error !== undefined) return this.error.code
    return this.established === undefined ? 'waiting' : 'established'
  }

  /** Bytes that came behind the handshake, and are the session's. */
  get rest(): Uint8Array {
    return this.#held
  }

  feed(bytes: Uint8Array): void {
    this.#held = concat(this.#held, bytes)
    if (this.outcome === 'waiting') this.#serve()
  }

  /** The stream ends here. */
  end(): void {
    if (this.outcome === 'waiting') this.#run(() => this.#steps.throw(new NetworkError('TRUNCATED')))
  }

  #serve(): void {
    const need = this.asked.at(-1)!
    if (this.#held.length < need) return
    const answer = this.#held.subarray(0, need)
    this.#held = this.#held.subarray(need)
    this.#run(() => this.#steps.next(answer))
  }

  #run(resume: () => IteratorResult<Step, Established>): void {
    try {
      let step = resume()
      while (!step.done && !('need' in step.value)) step = this.#steps.next(this.#answer(step.value))
      if (step.done) {
        this.established = step.value
        return
      }
      if ('need' in step.value) this.asked.push(step.value.need)
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error
      this.error = error
      return
    }
    this.#serve()
  }

  #answer(step: Exclude<Step, { need: number }>): unknown {
    if ('send' in step) return void this.sent.push(step.send)
    if ('sign' in step) return step.as.sign(step.sign)
    if ('unwrap' in step) return step.as.unwrap!(step.unwrap, step.label)
    return 'trust' in step ? this.#knowledge.trust(step.trust) : this.#knowledge.locate(step.peer, step.locate)
  }
}

const nowhere: Location = {
  journal: new Uint8Array(16).fill(3),
  position: { next: 1, offset: 0, digest: new Uint8Array(32) },
}

/** Both sides' options; what is left out is filled in with fresh keys that know each other. */
export interface Parties {
  readonly client?: Partial<ClientHandshake>
  readonly server?: Partial<ServerHandshake>
  readonly clientKnows?: Partial<Knowledge>
  readonly serverKnows?: Partial<Knowledge>
}

export interface Machines {
  readonly client: HandshakeMachine
  readonly server: HandshakeMachine
}

/** A client and a server before the first byte has travelled: the client has written its HELLO. */
export function machines({ client = {}, server = {}, clientKnows, serverKnows }: Parties = {}): Machines {
  const { identity: clientIdentity = freshSigner() } = client
  const { identities = [freshSigner()] } = server
  const peer = { keys: [clientIdentity.publicKey] }
  return {
    client: new HandshakeMachine(
      clientHandshake({
        identity: clientIdentity,
        peer: { keys: [identities[0]!.publicKey] },
        outbox: new Uint8Array(16).fill(1),
        maxItem: 2 ** 53,
        receives: true,
        ...client,
      }),
      { trust: () => undefined, locate: () => nowhere, ...clientKnows },
    ),
    server: new HandshakeMachine(
      serverHandshake({ identities, outbox: new Uint8Array(16).fill(2), maxItem: 2 ** 53, ...server }),
      { trust: () => ({ peer }), locate: () => nowhere, ...serverKnows },
    ),
  }
}

/** Carries what both have written to the other, until neither writes any more. */
export function converse({ client, server }: Machines): void {
  let toServer = 0
  let toClient = 0
  while (toServer < client.sent.length || toClient < server.sent.length) {
    while (toServer < client.sent.length) server.feed(client.sent[toServer++]!)
    while (toClient < server.sent.length) client.feed(server.sent[toClient++]!)
  }
}

export interface EstablishedPair {
  readonly client: Established
  readonly server: Established
}

/** A handshake that succeeds. */
export function establish(parties?: Parties): EstablishedPair {
  const both = machines(parties)
  converse(both)
  const { established: client } = both.client
  const { established: server } = both.server
  if (!client || !server) throw new Error(`no session: ${both.client.outcome}, ${both.server.outcome}`)
  return { client, server }
}
