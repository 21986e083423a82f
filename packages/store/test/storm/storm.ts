/**
 * A storm: senders and a server that die at random, connections that are cut at random, and then the checker.
 *
 * The seed decides which faults are drawn, by whom, in which order. When they come depends on the machine, so a seed
 * replays the choice of faults and not each turn of the threads.
 */
import type { Findings } from '../checker/check.ts'
import type { Child } from '../programs/child.ts'
import type { Death } from '../programs/orders.ts'
import { CLIENT_POINTS, SERVER_POINTS } from '../programs/points.ts'
import { World } from '../programs/world.ts'
import type { Plan } from '../proxy.ts'
import { Dice } from './dice.ts'

export interface StormOptions {
  readonly seed: number
  /** How long it rages; longer where a point has not been hit by then. */
  readonly seconds: number
  readonly senders?: readonly string[]
}

export interface StormReport extends Findings {
  /** How often each named point was hit. */
  readonly hits: ReadonlyMap<string, number>
}

/** Bytes of the handshake, each way (protocol section 2). */
const HANDSHAKE = { up: 5408, down: 6312 }
const LONG = 1_500_000

/** Where a connection is cut: a range of bytes. */
const CUTS = {
  'cut in the handshake, up': { way: 'up', from: 0, to: HANDSHAKE.up },
  'cut in the handshake, down': { way: 'down', from: 0, to: HANDSHAKE.down },
  'cut in an envelope': { way: 'up', from: HANDSHAKE.up, to: HANDSHAKE.up + 2_000 },
  'cut in a receipt': { way: 'down', from: HANDSHAKE.down, to: HANDSHAKE.down + 600 },
  'cut in a long body': { way: 'up', from: HANDSHAKE.up + 100_000, to: HANDSHAKE.up + LONG - 100_000 },
} as const

const SENDER_FAULTS = [
  ...CLIENT_POINTS.map((point) => `client killed: ${point}`),
  ...(Object.keys(CUTS) as (keyof typeof CUTS)[]),
]
const SERVER_FAULTS = SERVER_POINTS.map((point) => `server killed: ${point}`)
/** A fault that is not hit within this time, in ms, gives way to the next. */
const PATIENCE = 8_000

class Storm {
  readonly hits: Map<string, number> = new Map([...SENDER_FAULTS, ...SERVER_FAULTS].map((name) => [name, 0]))
  readonly #world: World
  readonly #options: StormOptions
  readonly #until: number

  constructor(world: World, options: StormOptions) {
    this.#world = world
    this.#options = options
    this.#until = performance.now() + options.seconds * 1000
  }

  /** Whether it is time for calm: not before every point was hit, unless that takes far too long. */
  get over(): boolean {
    const late = performance.now() - this.#until
    return late > 0 && (![...this.hits.values()].includes(0) || late > 120_000)
  }

  async server(): Promise<Child> {
    const dice = new Dice(this.#options.seed, 'server')
    for (;;) {
      const fault = dice.draw(this.#wanted(SERVER_FAULTS))
      const time = dice.between(1, 6)
      const death: Death | undefined = this.over ? undefined : { point: pointOf(fault), time, act: 'kill' }
      const child = await this.#world.serve(death ? { death } : {})
      if (death === undefined) return child
      await this.#within(child.exited)
      this.#count(child, fault)
      if (child.running) await child.kill()
    }
  }

  async sender(name: string): Promise<void> {
    const dice = new Dice(this.#options.seed, name)
    const proxy = await this.#world.proxy(name)
    for (let life = 1; !this.over; life++) {
      const fault = dice.draw(this.#wanted(SENDER_FAULTS))
      const long = fault.endsWith('body') || dice.between(1, 6) === 1
      const death: Death = { point: pointOf(fault), time: dice.between(1, 3), act: 'kill' }
      const sender = await this.#world.sender(name, fault in CUTS ? {} : { death })
      const cut = planOf(fault, dice)
      proxy.next = cut
      sender.connect()
      if (long) sender.send([`${name} ${life} long`], { length: LONG })
      for (let turn = 1; turn <= 4; turn++) {
        const labels = Array.from({ length: dice.between(1, 8) }, (_, i) => `${name} ${life}.${turn}.${i}`)
        sender.send(labels, { inTurn: dice.between(0, 1) === 1 })
      }
      const isCut = (): boolean => proxy.done.includes(cut!)
      await this.#within(cut ? proxy.until(isCut) : sender.child.exited)
      if (cut && isCut()) this.#hit(fault)
      this.#count(sender.child, fault)
      if (sender.child.running) await sender.child.kill()
      proxy.next = undefined
    }
    await (
      await this.#world.sender(name)
    )
      .connect()
      .send([`${name} last`])
      .drained()
  }

  /** All of them; once the time is over those that were never hit. */
  #wanted(faults: readonly string[]): readonly string[] {
    if (performance.now() < this.#until) return faults
    const missing = faults.filter((fault) => this.hits.get(fault) === 0)
    return missing.length > 0 ? missing : faults
  }

  #count(child: Child, fault: string): void {
    if (child.all('point').length > 0) this.#hit(fault)
  }

  #hit(fault: string): void {
    this.hits.set(fault, this.hits.get(fault)! + 1)
  }

  async #within(work: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, PATIENCE)
    await Promise.race([work, promise])
    clearTimeout(timer)
  }
}

function pointOf(fault: string): string {
  return fault.slice(fault.indexOf(': ') + 2)
}

function planOf(fault: string, dice: Dice): Plan | undefined {
  if (!(fault in CUTS)) return undefined
  const { way, from, to } = CUTS[fault as keyof typeof CUTS]
  return { way, at: dice.between(from, to), act: 'cut' }
}

export async function storm(options: StormOptions): Promise<StormReport> {
  const { senders = ['ada', 'ben', 'cleo', 'dan'] } = options
  await using world = new World({ senders })
  const raging = new Storm(world, options)
  await Promise.all([raging.server(), ...senders.map((name) => raging.sender(name))])
  return { ...(await world.check()), hits: raging.hits }
}
