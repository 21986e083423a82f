/** edwards25519 in plain affine arithmetic (RFC 8032 section 5.1), slow and on its own: what the tests hold ours against. */

export interface Point {
  readonly x: bigint
  readonly y: bigint
}

export const P: bigint = 2n ** 255n - 19n
const D = mod(-121665n * inverse(121666n))
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n)

function mod(value: bigint): bigint {
  return ((value % P) + P) % P
}

function power(base: bigint, exponent: bigint): bigint {
  if (exponent === 0n) return 1n
  const half = power(mod(base * base), exponent / 2n)
  return exponent % 2n === 0n ? half : mod(half * base)
}

function inverse(value: bigint): bigint {
  return power(mod(value), P - 2n)
}

export function add(a: Point, b: Point): Point {
  const product = D * a.x * b.x * a.y * b.y
  return {
    x: mod((a.x * b.y + b.x * a.y) * inverse(1n + product)),
    y: mod((a.y * b.y + a.x * b.x) * inverse(1n - product)),
  }
}

export function multiply(scalar: bigint, point: Point): Point {
  if (scalar === 0n) return { x: 0n, y: 1n }
  const half = multiply(scalar / 2n, add(point, point))
  return scalar % 2n === 0n ? half : add(half, point)
}

/** 32 bytes little-endian: y, the top bit the sign of x. */
export function encode(y: bigint, sign: bigint): Uint8Array {
  const number = (sign << 255n) | y
  return Uint8Array.from({ length: 32 }, (_, i) => Number((number >> BigInt(8 * i)) & 0xffn))
}

export function encodePoint({ x, y }: Point): Uint8Array {
  return encode(y, x & 1n)
}

/** RFC 8032 section 5.1.3; undefined for what is no canonical encoding of a point. */
export function decodePoint(encoding: Uint8Array): Point | undefined {
  const number = encoding.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
  const [y, sign] = [number & (2n ** 255n - 1n), number >> 255n]
  if (y >= P) return undefined
  const [u, v] = [mod(y * y - 1n), mod(D * y * y + 1n)]
  let x = mod(u * v ** 3n * power(mod(u * v ** 7n), (P - 5n) / 8n))
  if (mod(v * x * x) === mod(-u)) x = mod(x * ROOT_OF_MINUS_ONE)
  if (mod(v * x * x) !== u) return undefined
  if (x === 0n && sign === 1n) return undefined
  return { x: (x & 1n) === sign ? x : mod(-x), y }
}

export const BASE: Point = decodePoint(encode(mod(4n * inverse(5n)), 0n))!

/** A point of order 8: the one whose x and y have the same square. */
const ORDER_8 = decodePoint(
  Uint8Array.from(Buffer.from('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', 'hex')),
)!

export const SMALL_ORDER_POINTS: readonly Point[] = Array.from({ length: 8 }, (_, i) => multiply(BigInt(i), ORDER_8))

/** Every encoding that RFC 8032 refuses though it names a point or could: y not reduced, and a sign where x is zero. */
export const ENCODINGS_NOT_CANONICAL: readonly Uint8Array[] = [
  ...Array.from({ length: 19 }, (_, i) => [0n, 1n].map((sign) => encode(P + BigInt(i), sign))).flat(),
  encode(1n, 1n),
  encode(P - 1n, 1n),
]
