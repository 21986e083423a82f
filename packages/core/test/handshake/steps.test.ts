import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../../..')
const source = (path: string): string => readFileSync(join(root, path), 'utf8')

const CLIENT = ['C1', 'C2', 'C3', 'C4', 'C5', 'C6']
const SERVER = ['S1', 'S2', 'S3', 'S4', 'S5', 'S6', 'S7']

/** The steps that stand in a text where they are set out, in order. */
function steps(text: string, line: RegExp): string[] {
  return Array.from(text.matchAll(line), ([found]) => found.match(/\b[CS]\d\b/g)!).flat()
}

describe('each numbered step of the protocol stands once, and in order,', () => {
  test.each([
    ['client', CLIENT],
    ['server', SERVER],
  ])('in the handshake of the %s', (role, numbers) => {
    const text = source(`packages/core/src/handshake/${role}.ts`)
    expect(steps(text, /^ *\/\/ [CS]\d .*$/gm)).toEqual(numbers)
    // Under no other form, and none of the other side's.
    expect(text.match(/\b[CS]\d\b/g)).toEqual(numbers)
  })

  test('in docs/PROTOCOL.md', () => {
    const headings = steps(source('docs/PROTOCOL.md'), /^#+ .*\b[CS]\d\b.*$/gm)
    expect(headings.filter((step) => step.startsWith('C'))).toEqual(CLIENT)
    expect(headings.filter((step) => step.startsWith('S'))).toEqual(SERVER)
  })
})
