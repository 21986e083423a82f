import { Output } from '@countersign/keyexchange/cli'
import { expect, test } from 'vitest'
import { openInput } from '../src/index.ts'

const output = new Output({ json: true, quiet: true, input: false })

test.each([
  ['a text', ['hello', 'there'], {}, true],
  ['a file', [], { file: [import.meta.filename] }, true],
  ['standard input as it is', [], {}, true],
  ['a text and a file', ['hello'], { file: [import.meta.filename] }, false],
  ['two files', [], { file: [import.meta.filename, import.meta.filename] }, false],
  ['the lines of standard input', [], { lines: true }, false],
])('%s: whether it is one message', async (_, words, options, single) => {
  expect((await openInput(words, options, output)).single).toBe(single)
})
