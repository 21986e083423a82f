import { join } from 'node:path'
import { expect, test } from 'vitest'
import { count, failures } from '../tally.ts'
import { root } from '../workspace.ts'

const file = (status: string, ...tests: string[]) => ({
  name: join(root, 'scripts/test/some.test.ts'),
  status,
  message: 'it did not load',
  assertionResults: tests.map((one, i) => ({
    status: one,
    fullName: `test ${i}`,
    failureMessages: one === 'failed' ? ['\u001B[31mError\u001B[39m: 1 is not 2\n  at some.test.ts:3'] : [],
  })),
})

test('passed, failed and skipped tests are counted over all files', () => {
  const report = { testResults: [file('passed', 'passed', 'passed', 'skipped'), file('failed', 'failed', 'passed', 'todo')] }
  expect(count(report)).toEqual({ passed: 3, failed: 1, skipped: 2 })
})

test('a file that does not load is a failure although no test of it ran', () => {
  expect(count({ testResults: [file('failed'), file('failed', 'passed')] })).toEqual({ passed: 1, failed: 2, skipped: 0 })
})

test('what failed is named, with what it says', () => {
  expect(
    failures({ testResults: [file('passed', 'passed', 'skipped'), file('failed', 'passed', 'failed'), file('failed')] }),
  ).toEqual([
    'failed: scripts/test/some.test.ts: test 1\n    Error: 1 is not 2\n      at some.test.ts:3',
    'failed: scripts/test/some.test.ts\n    it did not load',
  ])
})
