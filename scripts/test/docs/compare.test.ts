import { expect, test } from 'vitest'
import { compare, screen, translated } from '../../docs/compare.ts'

const none = new Map<string, string>()
const print = (letter: string): string => `sha256//${letter.repeat(43)}=`

const same = (shown: string[], printed: string[], whole = true): boolean => compare(shown, printed, none, whole) !== undefined

test('lines are the same, in their order, and no line is missing or more', () => {
  expect(same(['a', 'b'], ['a', 'b'])).toBe(true)
  for (const printed of [['a'], ['b', 'a'], ['a', 'b', 'c'], ['a', 'x']])
    expect(same(['a', 'b'], printed), printed.join()).toBe(false)
  expect(same(['a', 'b'], ['a', 'b', 'c'], false)).toBe(true)
})

test('three dots stand for any number of lines', () => {
  expect(same(['…', 'b'], ['a', 'a', 'b'])).toBe(true)
  expect(same(['a', '…'], ['a'])).toBe(true)
  expect(same(['a', '…', 'c'], ['a', 'b'])).toBe(false)
})

test.each([
  ['stored at 2026-11-23T07:48:49.221Z', 'stored at 2027-01-02T00:00:00.000Z'],
  ['at 192.0.2.2:7411', 'at localhost:7411'],
  ['as server, process 4711, since', 'as server, process 12, since'],
  ['a round trip in 1.5 ms', 'a round trip in 12 ms'],
  ['id 1  0123456789abcdef  x', 'id 1  fedcba98765432100123    x'],
  ['  jewel-diamond-random', '  drip-velvet-arctic'],
  ['  only group calm napkin winter able', '  emerge click enjoy miracle genre recall'],
])('what is another each time may differ: %s', (shown, printed) => {
  expect(same([shown], [printed])).toBe(true)
  expect(same([shown], [`${printed}!`])).toBe(false)
})

test('a port, a count and a name may not differ', () => {
  expect(same(['at 192.0.2.2:7411'], ['at 192.0.2.2:7412'])).toBe(false)
  expect(same(['#1 from office'], ['#2 from office'])).toBe(false)
  expect(same(['#1 from office'], ['#1 from laptop'])).toBe(false)
})

test('a key that a page shows twice is one key, and two are two', () => {
  const [a, b] = [print('a'), print('b')]
  expect(same([a, b, a], [print('x'), print('y'), print('x')])).toBe(true)
  expect(same([a, b, a], [print('x'), print('y'), print('y')])).toBe(false)
  expect(same([a, b], [print('x'), print('x')])).toBe(false)
})

test('what a page shows is said in the values of this run, to machines on loopback', () => {
  expect(translated('connect 192.0.2.7:7411 jewel-diamond-random', new Map([['jewel-diamond-random', 'a-b-c']]))).toBe(
    'connect 127.0.0.1:7411 a-b-c',
  )
})

test('a terminal shows a line as it was written last, without what steers it', () => {
  expect(screen('\u001B[1G\u001B[0JThe code: \u001B[11Gx\r\r\n\u001B[31merror:\u001B[39m no\r\n  0%\r100%\r\n')).toEqual([
    'The code: x',
    'error: no',
    '100%',
    '',
  ])
})
