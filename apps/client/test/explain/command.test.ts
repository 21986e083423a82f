import { run, Sandbox } from '@countersign/testing'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const sandbox = new Sandbox()
afterAll(() => sandbox[Symbol.asyncDispose]())

test('explain refuses what it cannot do before it sets to work, and leaves a file that is there as it is', async () => {
  const file = join(sandbox.folder, 'page.html')
  writeFileSync(file, 'mine')
  const refused = async (...words: string[]): Promise<unknown[]> => {
    const { status, stdout, stderr } = await run('client', ['explain', ...words], { root: sandbox.folder })
    expect(stdout).toBe('')
    return [status, stderr.replaceAll(sandbox.folder, '')]
  }
  expect(await refused(file)).toEqual([
    3,
    'error: /page.html exists and was left as it is\nhint: choose another name, or move it away\n',
  ])
  expect(readFileSync(file, 'utf8')).toBe('mine')
  expect(await refused('--message', 'é'.repeat(2049), 'new.html')).toEqual([
    2,
    'error: the message is longer than 4096 bytes\nhint: the page shows one short message: shorten it\n',
  ])
})
