import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, type TestContext } from 'vitest'
import { confirmation, generator, lvCat, scalarOf, sessionKey, share, sharedPoint, type Side } from '../../src/swap/cpace.ts'

const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const hex = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex').toUpperCase()

interface Vectors {
  readonly run: Readonly<Record<'PRS' | 'CI' | 'sid' | 'ya' | 'yb' | 'ADa' | 'ADb' | 'Ya' | 'Yb', Uint8Array>>
  readonly expected: Readonly<Record<string, string>>
  readonly points: Readonly<Record<string, string>> & { readonly Valid: Readonly<Record<string, string>> }
}

/** The draft's file calls ristretto255 and decaf448 together Coffee. */
function officialVectors(context: TestContext): Vectors {
  const folder = process.env['CONFORMANCE_VECTORS'] ?? ''
  if (folder === '') {
    console.log('cpace.json: skipped, because CONFORMANCE_VECTORS names no folder of vectors')
    context.skip('CONFORMANCE_VECTORS names no folder of vectors')
  }
  const file = JSON.parse(readFileSync(join(folder, 'cpace.json'), 'utf8')) as Record<string, never>
  const expected = file['G_Coffee25519'] as unknown as Record<string, string>
  const run = Object.fromEntries(Object.entries(expected).map(([name, value]) => [name, unhex(value)])) as Vectors['run']
  return { run, expected, points: file['G_Coffee25519_points'] as unknown as Vectors['points'] }
}

describe('the official vectors of CPACE-RISTR255-SHA512', () => {
  test('give the generator and both shares', (context) => {
    const { run, expected } = officialVectors(context)
    const base = generator(run.PRS, run.CI, run.sid)
    expect([base, share(base, run.ya), share(base, run.yb)].map(hex)).toEqual([expected['g'], expected['Ya'], expected['Yb']])
  })

  test('give the shared point and the session key to both sides', (context) => {
    const { run, expected } = officialVectors(context)
    const [initiator, responder]: Side[] = [
      { share: run.Ya, data: run.ADa },
      { share: run.Yb, data: run.ADb },
    ]
    for (const shared of [sharedPoint(run.ya, run.Yb)!, sharedPoint(run.yb, run.Ya)!]) {
      expect(hex(shared)).toBe(expected['K'])
      expect(hex(sessionKey(run.sid, shared, initiator!, responder!))).toBe(expected['ISK_IR'])
    }
  })

  test('multiply the valid point', (context) => {
    const { s, X, 'G.scalar_mult_vfy(s,X)': product } = officialVectors(context).points.Valid
    expect(hex(sharedPoint(unhex(s!), unhex(X!)))).toBe(product)
  })

  test.for(['Invalid Y1', 'Invalid Y2'])('refuse %s', (name, context) => {
    const { run, points } = officialVectors(context)
    expect(sharedPoint(run.ya, unhex(points[name]!))).toBeUndefined()
  })
})

const scalar = scalarOf(new Uint8Array(64).fill(7))

test('the identity, which the library decodes, is refused', () => {
  expect(sharedPoint(scalar, new Uint8Array(32))).toBeUndefined()
})

test.each([
  ['a field element that is not reduced', `ed${'ff'.repeat(30)}7f`],
  ['a negative field element', `01${'00'.repeat(31)}`],
  ['too few bytes', '00'.repeat(31)],
  ['too many bytes', 'e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d7600'],
])('%s is no share', (_, encoding) => {
  expect(sharedPoint(scalar, unhex(encoding))).toBeUndefined()
})

test('a shared point is overwritten once the session key is made of it', () => {
  const shared = sharedPoint(scalar, share(generator(scalar, scalar, scalar), scalar))!
  sessionKey(scalar, shared, { share: scalar, data: scalar }, { share: scalar, data: scalar })
  expect(shared).toEqual(new Uint8Array(32))
})

test('lengths are LEB128', () => {
  const lengthOf = (length: number): number[] => [...lvCat(new Uint8Array(length)).subarray(0, -length || undefined)]
  expect([0, 127, 128, 300].map(lengthOf)).toEqual([[0], [127], [0x80, 1], [0xac, 2]])
})

test('other words give another generator, and so does another session', () => {
  const of = (words: string, sid: number): string | undefined =>
    hex(generator(Buffer.from(words), Buffer.from('ci'), Uint8Array.of(sid)))
  expect(new Set([of('abandon-ability-able', 1), of('abandon-ability-about', 1), of('abandon-ability-able', 2)]).size).toBe(3)
})

test('a confirmation depends on the key, the session, the share and its data', () => {
  const side: Side = { share: new Uint8Array(32), data: Buffer.from('dialer') }
  const sid = new Uint8Array(32)
  const isk = new Uint8Array(64)
  const tags = [
    confirmation(sid, isk, side),
    confirmation(Uint8Array.of(1), isk, side),
    confirmation(sid, new Uint8Array(64).fill(1), side),
    confirmation(sid, isk, { ...side, data: Buffer.from('listener') }),
    confirmation(sid, isk, { ...side, share: new Uint8Array(32).fill(1) }),
  ]
  expect(new Set(tags.map(hex)).size).toBe(tags.length)
})
