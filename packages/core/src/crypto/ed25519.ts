/** The one check on Ed25519 keys that OpenSSL leaves out: a canonical point, on the curve, not of small order. */
import { hex } from '../bytes.ts'

const P = 2n ** 255n - 19n
/** d = -121665/121666 of edwards25519 (RFC 8032 section 5.1) */
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n

/** The y of two of the four points of order 8; the other two have its negative. */
const ORDER_8_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n

/** The y of the eight points whose order divides 8. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([0n, 1n, P - 1n, ORDER_8_Y, P - ORDER_8_Y])

/** `point`: 32 bytes, y little-endian with the sign of x in the top bit (RFC 8032 section 5.1.2). */
export function isEd25519PointOfLargeOrder(point: Uint8Array): boolean {
  const y = BigInt(`0x${hex(Uint8Array.from(point).toReversed())}`) & (2n ** 255n - 1n)
  if (y >= P || SMALL_ORDER_Y.has(y)) return false
  // x² = (y² - 1) / (d y² + 1) has a root exactly where (y² - 1)(d y² + 1) is a square.
  const y2 = (y * y) % P
  return isSquare(((y2 - 1n) * (D * y2 + 1n)) % P)
}

/** By Euler's criterion: its power of (P - 1) / 2 is 1. That is 2^254 - 10, of which 2^250 - 1 is made by squaring alone, nearly. */
function isSquare(x: bigint): boolean {
  return (squared(allOnes(x, 250), 4) * (x ** 6n % P)) % P === 1n
}

/** x to the power of 2^bits - 1. */
function allOnes(x: bigint, bits: number): bigint {
  if (bits === 1) return x
  const half = allOnes(x, bits >> 1)
  const even = (squared(half, bits >> 1) * half) % P
  return bits % 2 === 0 ? even : (squared(even, 1) * x) % P
}

function squared(x: bigint, times: number): bigint {
  let square = x
  for (let i = 0; i < times; i++) square = (square * square) % P
  return square
}
