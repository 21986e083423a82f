import { hasTerminals } from '@countersign/testing'
import { beforeEach, expect, test } from 'vitest'
import { blocksOf } from '../../docs/blocks.ts'
import { parsePage } from '../../docs/markdown.ts'
import { runStory } from '../../docs/story.ts'

const story = (...lines: string[]): Promise<void> =>
  runStory('page.md', blocksOf(parsePage('page.md', ['```console', ...lines, '```'].join('\n'))))

const next = ['```', '', '```console'] as const

beforeEach((context) => {
  if (!hasTerminals()) context.skip('the program script is missing')
})

test('commands run in their order, and each machine keeps its own files and its folder', async () => {
  await expect(
    story('a$ mkdir one', 'a$ cd one', 'a$ echo here > file', ...next, 'b$ test ! -e one', 'a$ cat file', 'here'),
  ).resolves.toBeUndefined()
})

test.each([
  ['prints something else', ['$ echo a', 'b'], 2],
  ['prints more', ['$ printf "a\\nb\\n"', 'a'], 2],
  ['fails', ['$ true', '$ false'], 3],
  ['fails though it prints what is shown', ['$ echo a; false', 'a'], 2],
  ['succeeds where an error is shown', ['$ echo error: no', 'error: no'], 2],
  ['fails within a script', ['$ true', '```', '', '```sh', 'false', 'true'], 6],
])('a command that %s is named with its line', async (_, lines, line) => {
  await expect(story(...lines)).rejects.toThrow(new RegExp(`^page\\.md:${line}: `))
})

test('an error that is shown has to come', async () => {
  await expect(story('$ echo error: no; exit 3', 'error: no')).resolves.toBeUndefined()
})

test('what still runs goes on beside the next blocks, and is interrupted at the end', async () => {
  const first = ['$ mkfifo pipe', ...next, '$ echo ready; while read word; do echo got $word; done <> pipe', 'ready']
  const then = [...next, '$ echo it > pipe', '```', '', '<!-- goes on: echo ready -->', '```console', 'got it']
  await expect(story(...first, ...then)).resolves.toBeUndefined()
})

test('a command of which the page shows nothing but that it prints has ended before the next block', async () => {
  await expect(story('a$ sleep 0.3; touch ../../done', '…', ...next, 'b$ test -e ../../done')).resolves.toBeUndefined()
})

test('a prompt is answered with what the page shows typed', async () => {
  await expect(
    story('$ printf "name? "; read name; echo hello $name', 'name? somebody', 'hello somebody'),
  ).resolves.toBeUndefined()
})
