/**
 * How many handshakes may be open at a time (protocol section 3), and who makes room: the oldest whose gate has not held,
 * of the address that has the most of those. Past the caps a connection is closed without a byte.
 */

export interface AdmissionOptions {
  /** Open handshakes in all; 256 where it is not said, */
  readonly mostHandshakes?: number
  /** and from one IPv4 address or IPv6 /64; 16 where it is not said. */
  readonly mostHandshakesPerAddress?: number
}

/** A connection whose handshake is open. */
export interface Visit {
  /** False once it has left, or was turned away to make room. */
  readonly open: boolean
  /** The gate has held: it makes room for nobody any more. */
  known(): void
  leave(): void
}

interface Stranger extends Visit {
  /** How many came before it. */
  readonly number: number
  turnAway(): void
}

/** The open handshakes of one IPv4 address or IPv6 /64. */
interface Network {
  readonly visits: Set<Visit>
  /** Those whose gate has not held, the oldest first. */
  readonly strangers: Set<Stranger>
}

/** Which part of the places taken is a crowd. */
const CROWD = 4

export class Admission {
  readonly #most: number
  readonly #mostPerAddress: number
  readonly #networks = new Map<string, Network>()
  #open = 0
  #came = 0

  constructor({ mostHandshakes = 256, mostHandshakesPerAddress = 16 }: AdmissionOptions) {
    this.#most = mostHandshakes
    this.#mostPerAddress = mostHandshakesPerAddress
  }

  /**
   * Lets a connection from this address begin a handshake, which is counted until it leaves.
   *
   * @param turnAway ends the connection, where it has to make room for another
   * @returns undefined where the caps are reached, and every handshake that could make room is past the gate
   */
  enter(address: string, turnAway: () => void): Visit | undefined {
    const name = networkOf(address)
    const own = this.#networks.get(name)
    if (own !== undefined && own.visits.size >= this.#mostPerAddress) {
      if (!makeRoom(own)) return undefined
    } else if (this.#open >= this.#most && !makeRoom(this.#fullest())) return undefined
    return this.#begin(name, turnAway)
  }

  /** Whether a quarter of the places is taken, of this address or in all. */
  crowded(address: string): boolean {
    const own = this.#networks.get(networkOf(address))?.visits.size ?? 0
    return own >= this.#mostPerAddress / CROWD || this.#open >= this.#most / CROWD
  }

  #begin(name: string, turnAway: () => void): Visit {
    const network = this.#networks.get(name) ?? { visits: new Set(), strangers: new Set() }
    this.#networks.set(name, network)
    const { visits, strangers } = network
    const visit: Stranger = {
      number: this.#came,
      get open() {
        return visits.has(visit)
      },
      known: () => void strangers.delete(visit),
      leave: () => {
        if (!visits.delete(visit)) return
        strangers.delete(visit)
        this.#open -= 1
        if (visits.size === 0) this.#networks.delete(name)
      },
      turnAway,
    }
    visits.add(visit)
    strangers.add(visit)
    this.#open += 1
    this.#came += 1
    return visit
  }

  /** The network with the most strangers; of those with as many, the one whose oldest came first. */
  #fullest(): Network | undefined {
    let fullest: Network | undefined
    for (const network of this.#networks.values()) {
      const more = network.strangers.size - (fullest?.strangers.size ?? 0)
      if (more > 0 || (more === 0 && fullest && oldestOf(network) < oldestOf(fullest))) fullest = network
    }
    return fullest
  }
}

function oldestOf({ strangers }: Network): number {
  for (const { number } of strangers) return number
  return Infinity
}

/** Turns the oldest stranger away; false where there is none. */
function makeRoom(network: Network | undefined): boolean {
  for (const stranger of network?.strangers ?? []) {
    stranger.leave()
    stranger.turnAway()
    return true
  }
  return false
}

/** An IPv4 address, also one mapped into IPv6, or the first 64 bits of an IPv6 address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped) return mapped[1]!
  if (!address.includes(':')) return address
  const [head, tail] = address.split('%')[0]!.split('::')
  const groups = head === '' ? [] : head!.split(':')
  if (tail !== undefined) {
    const behind = tail === '' ? [] : tail.split(':')
    while (groups.length + behind.length < 8) groups.push('0')
    groups.push(...behind)
  }
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
