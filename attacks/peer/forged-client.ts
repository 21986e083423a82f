import { concat, random } from '@countersign/core/protocol'
import { type Attack, Cases } from '../harness/attack.ts'
import { at, flipped, type Twist } from '../harness/handshake.ts'

function set(place: number, ...bytes: readonly number[]): (value: Uint8Array) => Uint8Array {
  return (value) => {
    const changed = Uint8Array.from(value)
    changed.set(bytes, place < 0 ? value.length + place : place)
    return changed
  }
}

/** Sealed with the right key, so that nothing but the check in question stands in the way. */
const forgeries: readonly (readonly [string, string, Twist])[] = [
  ['the gate of a stranger', 'silence', at('gate', () => random(32))],
  ['a gate with its last bit flipped', 'silence', at('gate', (gate) => flipped(gate, -1))],
  ['an ML-KEM key with coefficients above q', 'silence', at('hello', set(44, ...Array<number>(64).fill(0xff)))],
  ['an X25519 key of zeros', 'silence', at('hello', set(1228, ...Array<number>(32).fill(0)))],
  ['an X25519 key of small order', 'silence', at('hello', set(1228, 1, ...Array<number>(31).fill(0)))],
  ['a signature with one bit flipped', 'status 1', at('signature', (value) => flipped(value, 77))],
  ['a signature of zeros', 'status 1', at('signature', (value) => new Uint8Array(value.length))],
  ['no signature', 'status 1', at('signature', () => new Uint8Array(0))],
  ['a signature one byte short', 'status 1', at('signature', (value) => value.subarray(1))],
  ['a signature one byte long', 'status 1', at('signature', (value) => concat(value, Uint8Array.of(0)))],
  ['a signature as long as RSA’s', 'status 1', at('signature', (value) => concat(value, new Uint8Array(320)))],
  [
    'a signature under the server’s context',
    'status 1',
    at('context', () => Buffer.from(`${' '.repeat(64)}countersign/1 server handshake\0`)),
  ],
  ['a signature under no context', 'status 1', at('context', () => new Uint8Array(0))],
  ['a signature over another transcript', 'status 1', at('tc', (value) => flipped(value, 0))],
  ['a MAC with one bit flipped', 'status 1', at('mac', (value) => flipped(value, 200))],
  ['a MAC of zeros', 'status 1', at('mac', (value) => new Uint8Array(value.length))],
  ['padding whose last byte is not zero', 'silence', at('plain', set(-1, 1))],
  ['padding whose first byte is not zero', 'silence', at('plain', (value) => set(4 + 121 + 4 + 64 + 32, 1)(value))],
  ['a payload one byte short', 'silence', at('payload', (value) => value.subarray(0, -1))],
  ['a payload one byte long', 'silence', at('payload', (value) => concat(value, Uint8Array.of(0)))],
  ['receives = 2', 'silence', at('payload', set(120, 2))],
  ['next = 0', 'silence', at('payload', set(64, 0, 0, 0, 0, 0, 0, 0, 0))],
  ['next above 2^53', 'silence', at('payload', set(64, 0, 0x20, 0, 0, 0, 0, 0, 1))],
  ['an offset without a digest', 'silence', at('payload', set(79, 1))],
  ['a digest without an offset', 'silence', at('payload', set(80, 1))],
  ['a length prefix of 2^32 - 1', 'silence', at('plain', set(0, 0xff, 0xff, 0xff, 0xff))],
  ['a length prefix one past the end', 'silence', at('plain', set(125, 0, 0, 0x0f, 0x60))],
]

export const attack: Attack = {
  title: 'An enrolled client seals forged proofs with the right handshake keys',
  tries:
    'gate, ephemeral key, signature, MAC, padding, payload and each of its fields wrong, one at a time, with everything around them right; what is not well-formed gets silence, what does not prove its key gets one and the same refusal.',
  plainDesignLoses: 'its parser: it looks at fields before it knows whose they are.',
  async run(ground) {
    const cases = new Cases()
    for (let i = 0; i < forgeries.length; i += 10) {
      const some = forgeries
        .slice(i, i + 10)
        .map(async ([what, must, twist]) => [what, must, await ground.knock({ twist })] as const)
      for (const [what, must, ended] of await Promise.all(some)) cases.attempt(what, ended, must)
    }
    cases.control('with nothing forged it is accepted', await ground.knock(), 'accepted')
    cases.control(
      'and so are fields at the end of their range',
      await ground.knock({ twist: at('payload', set(112, ...Array<number>(8).fill(0xff))) }),
      'accepted',
    )
    return cases
  },
}
