import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat } from '../../src/bytes.ts'
import { codeOf } from '../harness/code.ts'
import { decode, encode } from '../../src/wire/codec.ts'
import {
  attributesFault,
  decodeAttributes,
  encodeAttributes,
  itemHead,
  LEAST_ITEM,
  MAX_COUNT,
  MAX_STATEMENT,
  type MessageStatement,
  messageStatement,
  readItemHead,
} from '../../src/wire/envelope.ts'

const FORBIDDEN = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0x2028, 0x2029],
  [0x202a, 0x202e],
  [0x2066, 0x2069],
] as const

const isForbidden = (point: number): boolean => FORBIDDEN.some(([from, to]) => from <= point && point <= to)
const allowed = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => {
  return Array.from(text, (character) => character.codePointAt(0)!).every((point) => !isForbidden(point))
})
const attributes = fc.dictionary(allowed, allowed, { maxKeys: 8 }).map((fields) => new Map(Object.entries(fields)))

/** One row of attributes, as bytes. */
function row(name: string | Uint8Array, value: string | Uint8Array): Uint8Array {
  const [key, content] = [Buffer.from(name), Buffer.from(value)]
  return concat(Uint8Array.of(key.length), key, Uint8Array.of(content.length >> 8, content.length), content)
}

describe('attributes', () => {
  test('decode to what was encoded, whatever their order was', () => {
    fc.assert(
      fc.property(attributes, (fields) => {
        expect(attributesFault(fields)).toBeUndefined()
        const encoded = encodeAttributes(new Map([...fields].toReversed()))
        expect(decodeAttributes(encoded)).toEqual(fields)
        expect(encodeAttributes(decodeAttributes(encoded)!)).toEqual(encoded)
      }),
    )
  })

  test('of any bytes decode to what these bytes alone encode, or to nothing', () => {
    fc.assert(
      fc.property(attributes, fc.nat(), fc.nat(255), fc.uint8Array({ maxLength: 60 }), (fields, at, byte, noise) => {
        const changed = encodeAttributes(fields)
        if (changed.length > 0) changed[at % changed.length] = byte
        for (const bytes of [changed, noise]) {
          const decoded = decodeAttributes(bytes)
          expect(decoded && Buffer.compare(encodeAttributes(decoded), bytes)).toBe(decoded && 0)
        }
      }),
    )
  })

  test('are of a wrong form where they are cut after any byte that ends no row', () => {
    const rows = [row('a', 'one'), row('b', ''), row('c', 'three')]
    const bytes = concat(...rows)
    const ends = [0, rows[0]!.length, rows[0]!.length + rows[1]!.length, bytes.length]
    const whole = Array.from({ length: bytes.length + 1 }, (_, length) => length).filter((length) =>
      decodeAttributes(bytes.subarray(0, length)),
    )
    expect(whole).toEqual(ends)
  })

  test('ascend strictly, byte by byte', () => {
    expect(decodeAttributes(concat(row('a', ''), row('b', '')))).toBeDefined()
    expect(decodeAttributes(concat(row('b', ''), row('a', '')))).toBeUndefined()
    expect(decodeAttributes(concat(row('a', ''), row('a', '')))).toBeUndefined()
    // By bytes, not by UTF-16, which has these two the other way round.
    expect(decodeAttributes(concat(row('\uffff', ''), row('\u{10000}', '')))).toBeDefined()
    expect(decodeAttributes(concat(row('\u{10000}', ''), row('\uffff', '')))).toBeUndefined()
  })

  test.each(FORBIDDEN.flat().map((point) => point.toString(16).padStart(4, '0')))(
    'may not hold U+%s, in names or values',
    (code) => {
      const character = String.fromCodePoint(Number.parseInt(code, 16))
      expect(decodeAttributes(row(`a${character}`, ''))).toBeUndefined()
      expect(decodeAttributes(row('a', `x${character}y`))).toBeUndefined()
      expect(attributesFault(new Map([['a', character]]))).toMatch(/control/)
      expect(attributesFault(new Map([[character, '']]))).toMatch(/control/)
    },
  )

  const neighbours = FORBIDDEN.flatMap(([from, to]) => [from - 1, to + 1]).filter((point) => point > 0 && !isForbidden(point))

  test.each(neighbours)('may hold the neighbour %i', (point) => {
    const character = String.fromCodePoint(point)
    expect(decodeAttributes(row('a', character))?.get('a')).toBe(character)
  })

  test('are UTF-8', () => {
    for (const bad of [Uint8Array.of(0xff), Uint8Array.of(0xc0, 0x80), Uint8Array.of(0xed, 0xa0, 0x80), Uint8Array.of(0xc3)]) {
      expect(decodeAttributes(row('a', bad))).toBeUndefined()
      expect(decodeAttributes(row(bad, ''))).toBeUndefined()
    }
    expect(attributesFault(new Map([['a', '\ud800']]))).toMatch(/Unicode/)
  })

  test('have names of at most 255 bytes and are at most 65,535 bytes together', () => {
    expect(attributesFault(new Map([['é'.repeat(127), '']]))).toBeUndefined()
    expect(attributesFault(new Map([['é'.repeat(128), '']]))).toMatch(/255/)
    expect(attributesFault(new Map([['a', 'x'.repeat(65_531)]]))).toBeUndefined()
    expect(attributesFault(new Map([['a', 'x'.repeat(65_532)]]))).toMatch(/together/)
    expect(attributesFault(new Map([['a', 'x'.repeat(65_536)]]))).toMatch(/65,535/)
  })
})

describe('the head of an item', () => {
  const salt = new Uint8Array(16).fill(5)

  test('asks for more at every byte before its end, and is whole there', () => {
    const head = itemHead(salt, encodeAttributes(new Map([['content-type', 'text/plain']])))
    const item = concat(head, Buffer.from('body'))
    for (let length = 0; length < head.length; length++) expect(readItemHead(item.subarray(0, length), item.length)).toBe('more')
    for (let length = head.length; length <= item.length; length++) {
      expect(readItemHead(item.subarray(0, length), item.length)).toMatchObject({ bodyAt: head.length })
    }
  })

  test('is wrong where its mark is, its attributes are, or where they reach past the item', () => {
    const head = itemHead(salt, encodeAttributes(new Map([['a', 'b']])))
    expect(readItemHead(head, head.length)).toMatchObject({ bodyAt: head.length })
    expect(readItemHead(head.with(0, 1), head.length)).toBeUndefined()
    expect(readItemHead(head, head.length - 1)).toBeUndefined()
    expect(readItemHead(head.with(LEAST_ITEM, 0), head.length)).toBeUndefined()
    expect(readItemHead(head.subarray(0, LEAST_ITEM - 1), LEAST_ITEM - 1)).toBeUndefined()
  })
})

describe('a message statement', () => {
  const value: MessageStatement = {
    from: new Uint8Array(32).fill(1),
    to: new Uint8Array(32).fill(2),
    outbox: new Uint8Array(16).fill(3),
    first: 1,
    sentAt: 0,
    leaves: new Uint8Array(32),
  }
  const legal = (change: Partial<MessageStatement>): boolean => {
    const code = codeOf(() => decode(messageStatement, encode(messageStatement, { ...value, ...change })))
    expect(code ?? 'ENCODING').toBe('ENCODING')
    return code === undefined
  }
  const leaves = (count: number): Uint8Array => new Uint8Array(32 * count)

  test.each([
    ['number 1', { first: 1 }, true],
    ['number 0', { first: 0 }, false],
    ['the last number', { first: 2 ** 53 - 1 }, true],
    ['a number of 2^53', { first: 2 ** 53 }, false],
    ['numbers up to the last', { first: 2 ** 53 - 10, leaves: leaves(10) }, true],
    ['numbers past the last', { first: 2 ** 53 - 10, leaves: leaves(11) }, false],
    ['no message', { leaves: leaves(0) }, false],
    ['4096 messages', { leaves: leaves(MAX_COUNT) }, true],
    ['4097 messages', { leaves: leaves(MAX_COUNT + 1) }, false],
  ] as const)('with %s', (_, change, expected) => {
    expect(legal(change)).toBe(expected)
  })

  test('is at most as long as its bound says', () => {
    expect(messageStatement.size({ ...value, leaves: leaves(MAX_COUNT) })).toBe(MAX_STATEMENT)
  })
})
