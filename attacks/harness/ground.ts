/** Where attacks take place: the real server program with a home of its own, and the people who know it. */
import { connect, type Identity, identity, type PublicKey, type Receipt } from '@countersign/core'
import { random } from '@countersign/core/protocol'
import { type Home, type Running, Sandbox } from '@countersign/testing'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { envelopeOf, type Place, wireOf } from './envelopes.ts'
import { type Agreed, type RogueClient, rogueClient, Refusal } from './handshake.ts'
import { dial, Ended, freshAddress, Line, Silence } from './line.ts'
import { pause } from './process.ts'
import { RogueSession } from './session.ts'

/** One message as the server program prints it. */
export interface Printed {
  readonly event: string
  readonly text?: string
  readonly number: number
  readonly length: number
}

export interface Session extends Agreed {
  readonly session: RogueSession
  readonly outbox: Uint8Array
}

/** Seconds that the server gives a handshake: short, so that attacks on its patience end soon. */
export const HANDSHAKE_SECONDS = 4

export class Ground implements AsyncDisposable {
  readonly full: boolean
  readonly sandbox: Sandbox = new Sandbox()
  readonly home: Home
  /** Enrolled clients: honest ones of each kind of key, and one who is not. */
  readonly alice: Identity
  readonly rita: Identity
  readonly mallory: Identity
  readonly revoked: Identity
  /** Nobody knows them. */
  readonly stranger: Identity
  /** The server's own, for attackers who have stolen it. */
  readonly identity: Identity
  readonly homes: { readonly alice: Home; readonly mallory: Home }
  #running: Running | undefined
  #port = 0

  private constructor(full: boolean) {
    this.full = full
    const { sandbox } = this
    this.home = sandbox.home('server')
    const client = (name: string, type?: 'rsa'): Home => {
      const home = sandbox.home('client', name, type)
      sandbox.trust(home, this.home)
      sandbox.trust(this.home, home)
      return home
    }
    const [alice, rita, mallory, revoked] = [client('alice'), client('rita', 'rsa'), client('mallory'), client('revoked')]
    sandbox.revoke(this.home, revoked)
    this.identity = identity(this.home.key)
    this.homes = { alice, mallory }
    this.alice = identity(alice.key)
    this.rita = identity(rita.key)
    this.mallory = identity(mallory.key)
    this.revoked = identity(revoked.key)
    this.stranger = identity(sandbox.home('client', 'stranger').key)
  }

  /** @param policy the server's; without one it takes everything */
  static async open({ full = false, policy = {} }: { readonly full?: boolean; readonly policy?: object } = {}): Promise<Ground> {
    const ground = new Ground(full)
    const rules = join(ground.sandbox.folder, 'policy.json')
    writeFileSync(rules, JSON.stringify(policy))
    const words = ['--json', '--timeout', String(HANDSHAKE_SECONDS), '--policy', rules]
    const { server, port } = await ground.sandbox.serve(ground.home, ...words)
    ground.#running = server
    ground.#port = Number(port)
    // Nobody reads what is read here: a pipe that is full would stop the program.
    return ground
  }

  get port(): number {
    return this.#port
  }

  get publicKey(): PublicKey {
    return this.home.key.publicKey
  }

  get pid(): number {
    return this.#running!.pid
  }

  get server(): Running {
    return this.#running!
  }

  /** An honest client of core's own. */
  honest(by: Identity = this.alice): ReturnType<typeof connect> {
    return connect({ host: '127.0.0.1', port: this.#port, identity: by, peer: this.publicKey, handshakeWithin: 20_000 })
  }

  /** An honest client comes, sends and gets its receipt: the server is as well as before. */
  async stillServes(): Promise<Receipt> {
    await using session = await this.honest()
    return await session.send('still here')
  }

  /** A line to the server. */
  dial(): Promise<Line> {
    return dial(this.#port, freshAddress())
  }

  /** A dishonest client with a right key, mallory's where none is said, in a session whose keys the server has confirmed. */
  async enter(options: Partial<RogueClient> = {}): Promise<Session> {
    const line = await this.dial()
    const outbox = options.outbox ?? crypto.getRandomValues(new Uint8Array(16))
    const agreed = await rogueClient(line, { identity: this.mallory, server: this.publicKey, ...options, outbox })
    return { ...agreed, outbox, session: new RogueSession(line, 'client', agreed) }
  }

  /** The same with its first record sent, behind which messages may follow. */
  async begin(options: Partial<RogueClient> = {}): Promise<Session> {
    const entered = await this.enter(options)
    entered.session.send('PING', random(8))
    return entered
  }

  /** Mallory's place at the server in a session of hers. */
  placeOf({ outbox }: Pick<Session, 'outbox'>): Place {
    return { from: this.mallory, to: this.publicKey, outbox }
  }

  /** The first messages of such a session, in one envelope as it travels. */
  async messageOf(entered: Pick<Session, 'outbox'>, ...texts: readonly string[]): Promise<Uint8Array> {
    return wireOf(await envelopeOf(this.placeOf(entered), 1, ...texts))
  }

  /** How a handshake ends: `accepted`, `status n`, `silence` (not a byte more), or `open` where the server does not end it. */
  async knock(options: Partial<RogueClient> = {}): Promise<string> {
    try {
      const { session } = await this.enter(options)
      const alive = await session.alive()
      session.close()
      return alive === 'alive' ? 'accepted' : 'silence'
    } catch (error) {
      return endingOf(error)
    }
  }

  /** The messages that the server has stored and printed, whose text this is. */
  stored(text: string): number {
    return this.printed().filter((message) => message.text === text).length
  }

  /** How many it has stored once it has stored one; none where that does not come to be. The receipt may be here first. */
  async storedSoon(text: string): Promise<number> {
    for (let i = 0; i < 100 && this.stored(text) === 0; i++) await pause(50)
    return this.stored(text)
  }

  printed(): Printed[] {
    const lines = this.#running!.stdout.split('\n').filter((line) => line.startsWith('{'))
    return lines.map((line) => JSON.parse(line) as Printed).filter(({ event }) => event === 'message')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sandbox[Symbol.asyncDispose]()
  }
}

/** An attacker's error as a word. */
export function endingOf(error: unknown): string {
  if (error instanceof Refusal) return `status ${error.status}`
  if (error instanceof Ended) return 'silence'
  if (error instanceof Silence) return 'open'
  throw error
}
