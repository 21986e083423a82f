import { expect, test } from 'vitest'
import { type Block, blocksOf } from '../../docs/blocks.ts'
import { parsePage } from '../../docs/markdown.ts'

const blocks = (...lines: string[]): Block[] => blocksOf(parsePage('page.md', lines.join('\n')))

test('each prompt of a session begins a command on its machine, and what stands below it is shown', () => {
  const [block] = blocks('```console', 'office$ a --b', 'one', '  two', '', '$ c', '```')
  expect(block!.steps).toEqual([
    { line: 2, machine: 'office', command: 'a --b', shown: ['one', '  two'] },
    { line: 6, machine: '', command: 'c', shown: [] },
  ])
})

test('a command goes on below a backslash and within quotes', () => {
  const [block] = blocks('```console', '$ a \\', '  b', "$ c '", "$ d'", 'shown', '```')
  expect(block!.steps.map(({ command }) => command)).toEqual(['a \\\n  b', "c '\n$ d'"])
})

test('a block of commands alone is one script, which ends at the first that fails', () => {
  expect(blocks('```sh', 'a', 'b', '```')[0]!.steps).toEqual([{ line: 2, machine: '', command: 'set -e\na\nb', shown: [] }])
})

test('a comment says why a block is not run, where new machines begin, and which command goes on', () => {
  const [not, afresh] = blocks('<!-- not run: two stars -->', '```sh', 'a', '```', '<!-- run: afresh -->', '```sh', 'b', '```')
  const [on] = blocks('', '<!-- goes on: office -->', '```console', 'later', '```')
  expect(not).toMatchObject({ reason: 'two stars', steps: [] })
  expect(afresh).toMatchObject({ afresh: true })
  expect(on!.steps).toEqual([{ line: 4, machine: 'office', shown: ['later'] }])
})

test('other blocks are left alone', () => {
  expect(blocks('```ts', '$ a', '```', '```', 'a ---> b', '```', '', '    $ indented')).toEqual([])
})

test.each([
  ['a shell that is not called one', '```', 'pnpm keys', '```'],
  ['another name for a shell', '```bash', 'a', '```'],
  ['a session without a prompt', '```console', 'a', '```'],
  ['a tag that means nothing', '<!-- not run -->', '```sh', 'a', '```'],
  ['a tag of what is no shell', '<!-- not run: why -->', '```ts', 'a', '```'],
])('%s is a fault that names its line', (_, ...lines) => {
  expect(() => blocks(...lines)).toThrow(/^page\.md:[12]: /)
})
