import { type Algorithm, generatePrivateKey, type PrivateKey } from '@countersign/core'
import { sign } from 'node:crypto'
import { hex } from '@countersign/core/protocol'
import { describe, expect, test } from 'vitest'
import { CliError } from '../../src/cli/exit.ts'
import { type SideLog, type SideOptions, swapPair } from './pair.ts'

const algorithms: Algorithm[] = ['ed25519', 'rsa', 'ml-dsa-65']
const made = new Map<string, PrivateKey>()

/** RSA keys take long to make. */
function key(owner: string, algorithm: Algorithm = 'ed25519'): PrivateKey {
  const id = `${owner} ${algorithm}`
  if (!made.has(id)) made.set(id, generatePrivateKey(algorithm, 2048))
  return made.get(id)!
}

const CODE = 'abandon-ability-able'
const dialer = (options: Partial<SideOptions> = {}): SideOptions => ({
  privateKey: key('dialer'),
  name: 'ada',
  code: CODE,
  ...options,
})
const listener = (options: Partial<SideOptions> = {}): SideOptions => ({
  privateKey: key('listener'),
  name: 'ben',
  code: CODE,
  ...options,
})

function codeOf({ error }: SideLog): string | undefined {
  return error instanceof CliError ? error.code : (error as { code?: string } | undefined)?.code
}

const pairs = algorithms.flatMap((a) => algorithms.map((b) => [a, b] as const))

test.each(pairs)('a dialer with %s and a listener with %s hold each other’s key, byte for byte', async (a, b) => {
  const sides = await swapPair({
    dialer: dialer({ privateKey: key('dialer', a) }),
    listener: listener({ privateKey: key('listener', b) }),
  })
  expect(sides.dialer.result).toMatchObject({ confirmed: true, offer: { name: 'ben' } })
  expect(sides.listener.result).toMatchObject({ confirmed: true, offer: { name: 'ada' } })
  expect(hex(sides.dialer.saved[0]!.publicKey.spki)).toBe(hex(key('listener', b).publicKey.spki))
  expect(hex(sides.listener.saved[0]!.publicKey.spki)).toBe(hex(key('dialer', a).publicKey.spki))
})

test('each side sends its frames in this order and of these lengths', async () => {
  const sides = await swapPair({ dialer: dialer(), listener: listener() })
  const header = 2
  const tag = 16
  const offer = 4 + 44 + 4 + 3 + 4 + 64
  const lengths = (log: SideLog): number[] => log.sent.map(({ length }) => length - header)
  expect(lengths(sides.dialer)).toEqual([21, 32, 64, offer + tag, 1 + tag, 1 + tag])
  expect(lengths(sides.listener)).toEqual([16, 32, 64, offer + tag, 1 + tag, 1 + tag])
  expect(Buffer.from(sides.dialer.sent[0]!).toString('latin1', header, header + 5)).toBe('CSKX\u0001')
})

test('two swaps under one code have nothing in common', async () => {
  const frames = async (): Promise<string[]> => {
    const sides = await swapPair({ dialer: dialer(), listener: listener() })
    return [...sides.dialer.sent, ...sides.listener.sent].map(hex)
  }
  const [first, second] = [await frames(), await frames()]
  expect(first.filter((frame) => second.includes(frame))).toEqual([])
})

test('a wrong code ends at its confirmation: spent at both ends, nothing saved, no key sent', async () => {
  const sides = await swapPair({ dialer: dialer({ code: 'abandon-ability-about' }), listener: listener() })
  for (const side of [sides.dialer, sides.listener]) {
    expect(side).toMatchObject({ spent: 1, saved: [] })
    expect(codeOf(side)).toBe('CODE_MISMATCH')
  }
  expect([sides.dialer.sent.length, sides.listener.sent.length]).toEqual([3, 2])
})

test('a dialer that is answered by who does not know the code sends nothing more', async () => {
  const { dialer: side } = await swapPair({
    dialer: dialer(),
    listener: listener(),
    between: (frame, from) => (from === 'listener' && frame.length === 66 ? Uint8Array.from(frame).fill(7, 2) : frame),
  })
  expect(codeOf(side)).toBe('CODE_MISMATCH')
  expect(side.sent).toHaveLength(3)
})

test('a code that another swap has used up meanwhile is refused, right as it is: no key is sent, nothing saved', async () => {
  const sides = await swapPair({ dialer: dialer(), listener: listener({ codeSpent: true }) })
  expect(codeOf(sides.listener)).toBe('CODE_MISMATCH')
  expect([sides.dialer.sent.length, sides.listener.sent.length]).toEqual([3, 2])
  expect([sides.dialer.saved, sides.listener.saved]).toEqual([[], []])
})

describe.each(['dialer', 'listener'] as const)('the %s', (role) => {
  const other = role === 'dialer' ? 'listener' : 'dialer'
  const against = (options: Partial<SideOptions>): { dialer: SideOptions; listener: SideOptions } => ({
    dialer: dialer(role === 'listener' ? options : {}),
    listener: listener(role === 'dialer' ? options : {}),
  })

  // The last frame only says that the other side has saved its key: without it this one has, and cannot be sure of it.
  test.each([
    [3, { code: 'WRONG_PEER', confirmed: undefined, saved: 0 }],
    [4, { code: 'WRONG_PEER', confirmed: undefined, saved: 0 }],
    [5, { code: undefined, confirmed: false, saved: 1 }],
  ])('opens its peer’s sealed frame %i only as it was sealed', async (number, outcome) => {
    let seen = 0
    const sides = await swapPair({
      dialer: dialer(),
      listener: listener(),
      between: (frame, from) =>
        from === other && seen++ === number ? Uint8Array.from(frame, (byte, i) => (i === 2 ? byte ^ 1 : byte)) : frame,
    })
    const { result, saved } = sides[role]
    expect({ code: codeOf(sides[role]), confirmed: result?.confirmed, saved: saved.length }).toEqual(outcome)
  })

  test('refuses who cannot prove possession of the key', async () => {
    const sides = await swapPair(against({ sign: () => new Uint8Array(64) }))
    expect(codeOf(sides[role])).toBe('BAD_KEY')
    expect(codeOf(sides[other])).toBe('DECLINED')
    expect([sides.dialer.saved, sides.listener.saved]).toEqual([[], []])
  })

  test('refuses its own proof, sent back', async () => {
    const proofs: Uint8Array[] = []
    const options = { dialer: dialer(), listener: listener() }
    const own = options[role]
    const sides = await swapPair({
      ...options,
      [other]: {
        ...options[other],
        privateKey: { ...own.privateKey },
        sign: (message: Uint8Array) => {
          proofs.push(message)
          // The peer's role byte, in place of one's own: what the honest side signs.
          const swapped = Uint8Array.from(message)
          swapped[64 + 'countersign/1 key swap\0'.length]! ^= 3
          return own.privateKey.key && signWith(own.privateKey, swapped)
        },
      },
    })
    expect(proofs).toHaveLength(1)
    expect(codeOf(sides[role])).toBe('BAD_KEY')
  })

  test.each([['a/b'], ['..'], ['Ada'], ['ada\u001b[2J'], ['ada\n'], [''], ['a'.repeat(65)]])(
    'refuses the name %j',
    async (name) => {
      const sides = await swapPair(against({ name }))
      expect(codeOf(sides[role])).toBe('BAD_KEY')
      expect(sides[role].saved).toEqual([])
    },
  )

  test('hears that the other declined, and saves nothing', async () => {
    const sides = await swapPair(against({ decide: () => false }))
    expect([codeOf(sides.dialer), codeOf(sides.listener)]).toEqual(['DECLINED', 'DECLINED'])
    expect([sides.dialer.saved, sides.listener.saved]).toEqual([[], []])
  })

  test('refuses the identity as the share of the other, before the code is spent', async () => {
    const sides = await swapPair({
      dialer: dialer(),
      listener: listener(),
      between: (frame, from) => (from === other && frame.length === 34 ? Uint8Array.from(frame).fill(0, 2) : frame),
    })
    expect(codeOf(sides[role])).toBe('WRONG_PEER')
    expect(sides[role].spent).toBe(0)
  })
})

const FRAMES = 12

test.each(Array.from({ length: FRAMES }, (_, i) => i))(
  'a change in frame %i is noticed, and nothing of the changed frame is saved',
  async (at) => {
    const sides = await swapPair({
      dialer: dialer(),
      listener: listener(),
      between(frame, _, index) {
        if (index !== at) return frame
        const changed = Uint8Array.from(frame)
        changed[changed.length - 1]! ^= 1
        return changed
      },
    })
    const keys = [...sides.dialer.saved, ...sides.listener.saved].map(({ publicKey }) => publicKey.fingerprint)
    const honest = [key('dialer'), key('listener')].map(({ publicKey }) => publicKey.fingerprint)
    expect(keys.filter((fingerprint) => !honest.includes(fingerprint))).toEqual([])
    expect(sides.dialer.result?.confirmed && sides.listener.result?.confirmed).not.toBe(true)
  },
)

test.each(Array.from({ length: FRAMES }, (_, i) => i))(
  'a connection that is cut at frame %i leaves no side that is sure of what is not so',
  async (at) => {
    const sides = await swapPair({
      dialer: dialer(),
      listener: listener(),
      between: (frame, _, index) => (index < at ? frame : undefined),
    })
    for (const [side, other] of [
      [sides.dialer, sides.listener],
      [sides.listener, sides.dialer],
    ] as const) {
      expect(side.error !== undefined || side.saved.length === 1).toBe(true)
      expect(side.result?.confirmed === true && other.saved.length === 0).toBe(false)
    }
    expect(sides.dialer.result?.confirmed && sides.listener.result?.confirmed).not.toBe(true)
  },
)

test.each([
  [0, 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  [0, '\u0000\u0015CSKX\u0002'.padEnd(23, '0')],
  [0, '\u0000\u0015SSH-2.0-'.padEnd(23, '0')],
  [1, '\u0000\u0011'.padEnd(19, '0')],
  [1, '\u00ff\u00ff'],
])('what speaks otherwise at frame %i is refused: %j', async (at, text) => {
  const sides = await swapPair({
    dialer: dialer(),
    listener: listener(),
    between: (frame, _, index) => (index === at ? Buffer.from(text, 'latin1') : frame),
  })
  expect([codeOf(sides.dialer), codeOf(sides.listener)]).toContain('WRONG_PEER')
  expect([sides.dialer.spent, sides.listener.spent]).toEqual([0, 0])
})

function signWith(privateKey: PrivateKey, message: Uint8Array): Uint8Array {
  return sign(null, message, privateKey.key)
}
