/** How many handshakes may be open at a time (protocol section 3): past that a connection is closed without a byte. */

export interface AdmissionOptions {
  /** Open handshakes in all; 256 where it is not said, */
  readonly mostHandshakes?: number
  /** and from one IPv4 address or IPv6 /64; 16 where it is not said. */
  readonly mostHandshakesPerAddress?: number
}

export class Admission {
  readonly #most: number
  readonly #mostPerAddress: number
  readonly #open = new Map<string, number>()
  #all = 0

  constructor({ mostHandshakes = 256, mostHandshakesPerAddress = 16 }: AdmissionOptions) {
    this.#most = mostHandshakes
    this.#mostPerAddress = mostHandshakesPerAddress
  }

  /** Whether a connection from this address may begin a handshake, which is then counted until it leaves. */
  enter(address: string): boolean {
    const network = networkOf(address)
    const open = this.#open.get(network) ?? 0
    if (this.#all >= this.#most || open >= this.#mostPerAddress) return false
    this.#all += 1
    this.#open.set(network, open + 1)
    return true
  }

  leave(address: string): void {
    const network = networkOf(address)
    const left = this.#open.get(network)! - 1
    this.#all -= 1
    if (left === 0) this.#open.delete(network)
    else this.#open.set(network, left)
  }
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
