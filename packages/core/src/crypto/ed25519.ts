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
  return power(((y2 - 1n) * (D * y2 + 1n)) % P, (P - 1n) / 2n) === 1n
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P
    square = (square * square) % P
  }
  return result
}
