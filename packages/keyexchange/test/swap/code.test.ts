import { assert, constantFrom, nat, pre, property, uint8Array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { completeWord, freshCode, nearestWord, readCode } from '../../src/swap/code.ts'
import { checkWords, WORDS } from '../../src/words.ts'

test('the list has 2048 words, of which no two share their first four letters', () => {
  expect(WORDS).toHaveLength(2048)
  expect(new Set(WORDS.map((word) => word.slice(0, 4))).size).toBe(2048)
})

test('a fresh code is three words of the list, and reads as itself', () => {
  const codes = Array.from({ length: 100 }, freshCode)
  expect(codes.map(readCode)).toEqual(codes)
  expect(codes.every((code) => code.split('-').length === 3)).toBe(true)
  expect(new Set(codes).size).toBe(100)
})

describe('a slip', () => {
  const word = constantFrom(...WORDS.filter(({ length }) => length >= 6))

  test('of one letter is caught, unless it makes another word of the list', () => {
    assert(
      property(word, nat(), constantFrom(...'abcdefghijklmnopqrstuvwxyz'.split('')), (right, at, letter) => {
        const i = at % right.length
        const wrong = right.slice(0, i) + letter + right.slice(i + 1)
        pre(!WORDS.includes(wrong))
        expect(() => readCode(`zoo-${wrong}-zoo`)).toThrow(
          expect.objectContaining({ hint: expect.stringMatching(/^did you mean [a-z]+\?$/) as string }),
        )
      }),
    )
  })

  test.each([
    ['abandn', 'abandon'],
    ['abiltiy', 'ability'],
    ['zebar', 'zebra'],
    ['accidennt', 'accident'],
    ['qu3stion', 'question'],
  ])('%s is nearest to %s', (wrong, right) => {
    expect(nearestWord(wrong)).toBe(right)
  })
})

test.each([
  ['aba', ['abandon']],
  ['zoo-zeb', ['zebra']],
  ['zoo zebra act', ['act', 'action', 'actor', 'actress', 'actual']],
  ['ZOO-ZEB', ['zebra']],
  ['zoo-qx', []],
])('the line %j completes to %j', (line, words) => {
  expect(completeWord(line)[0]).toEqual(words)
})

test('six check words are the first 66 bits of the keyId', () => {
  const bits = (id: Uint8Array): string => [...id].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  assert(
    property(uint8Array({ minLength: 32, maxLength: 32 }), (id) => {
      const words = checkWords(id).split(' ')
      const back = words.map((word) => WORDS.indexOf(word).toString(2).padStart(11, '0')).join('')
      expect(back).toBe(bits(id).slice(0, 66))
    }),
  )
})
