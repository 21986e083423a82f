import { expect, test } from 'vitest'
import { count } from '../tally.ts'

const file = (status: string, ...tests: string[]) => ({ status, assertionResults: tests.map((one) => ({ status: one })) })

test('passed, failed and skipped tests are counted over all files', () => {
  const report = { testResults: [file('passed', 'passed', 'passed', 'skipped'), file('failed', 'failed', 'passed', 'todo')] }
  expect(count(report)).toEqual({ passed: 3, failed: 1, skipped: 2 })
})

test('a file that does not load is a failure although no test of it ran', () => {
  expect(count({ testResults: [file('failed'), file('failed', 'passed')] })).toEqual({ passed: 1, failed: 2, skipped: 0 })
})
