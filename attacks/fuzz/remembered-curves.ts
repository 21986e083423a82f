/**
 * Stands before @noble/curves where a swap is fuzzed: what the group gives for the same point and scalar is remembered.
 * An honest share is multiplied by the same scalar in almost every input, and takes many times as long as all the rest.
 */
import { ristretto255 as group, ristretto255_hasher as hasher } from '@noble/curves/ed25519.js'

type GroupPoint = InstanceType<typeof group.Point>

/** What is remembered at most: the honest shares are the first to come. */
const MOST = 64

class Point {
  static readonly Fn: typeof group.Point.Fn = group.Point.Fn
  static readonly #known = new Map<string, Point>()
  readonly #point: GroupPoint
  readonly #products = new Map<bigint, Point>()
  #bytes: Uint8Array | undefined

  constructor(point: GroupPoint) {
    this.#point = point
  }

  static fromBytes(bytes: Uint8Array): Point {
    const name = Buffer.from(bytes).toString('hex')
    const known = Point.#known.get(name) ?? new Point(group.Point.fromBytes(bytes))
    if (Point.#known.size < MOST) Point.#known.set(name, known)
    return known
  }

  multiply(scalar: bigint): Point {
    const product = this.#products.get(scalar) ?? new Point(this.#point.multiply(scalar))
    if (this.#products.size < MOST) this.#products.set(scalar, product)
    return product
  }

  is0(): boolean {
    return this.#point.is0()
  }

  /** A copy: whoever gets it may overwrite it. */
  toBytes(): Uint8Array {
    this.#bytes ??= this.#point.toBytes()
    return Uint8Array.from(this.#bytes)
  }
}

const derived = new Map<string, Point>()

export const ristretto255: { readonly Point: typeof Point } = { Point }
export const ristretto255_hasher: { deriveToCurve(digest: Uint8Array): Point } = {
  deriveToCurve(digest: Uint8Array): Point {
    const name = Buffer.from(digest).toString('hex')
    const known = derived.get(name) ?? new Point(hasher.deriveToCurve!(digest))
    if (derived.size < MOST) derived.set(name, known)
    return known
  },
}
