/**
 * Sums what vitest's JSON reports in the packages' .reports say: what failed and why, a line for each report, then
 * `N passed, N failed`.
 * Exit status 1 where anything failed, or nothing passed.
 */
import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { packages, root } from './workspace.ts'

/** The part of vitest's JSON report that is counted. */
interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    /** Why the file did not load, where it did not */
    readonly message: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly fullName: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

/** Lines of a failure that are shown */
const MOST_LINES = 30
/** Calls in what tests run by */
const NOT_OURS = /^\s+at .*(?:node_modules|<anonymous>|\bnode:)/

interface Count {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** What one report says. A file that failed without a failed test (it did not load, say) counts as one failure. */
export function count(report: Report): Count {
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults)
  const passed = tests.filter(({ status }) => status === 'passed').length
  const failed = tests.filter(({ status }) => status === 'failed').length
  return { passed, failed: failures(report).length, skipped: tests.length - passed - failed }
}

/** What failed, each with the file, the test and what it says: whoever has the end of a long output alone looks for that. */
export function failures({ testResults }: Report): string[] {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(root, name)
    const failed = assertionResults.filter((one) => one.status === 'failed')
    if (status === 'failed' && failed.length === 0) return [describe(file, [message])]
    return failed.map(({ fullName, failureMessages }) => describe(`${file}: ${fullName}`, failureMessages))
  })
}

function describe(what: string, messages: readonly string[]): string {
  const lines = messages.flatMap((message) => stripVTControlCharacters(message).split('\n'))
  const told = lines.filter((line) => !NOT_OURS.test(line)).slice(0, MOST_LINES)
  return [`failed: ${what}`, ...told.map((line) => `    ${line}`)].join('\n')
}

function main(): void {
  let passed = 0
  let failed = 0
  for (const path of packages.flatMap((name) => globSync(join(name, '.reports/*.json'), { cwd: root }).toSorted())) {
    const report = JSON.parse(readFileSync(join(root, path), 'utf8')) as Report
    const one = count(report)
    for (const failure of failures(report)) console.log(failure)
    console.log(`${path}: ${one.passed} passed, ${one.failed} failed, ${one.skipped} skipped`)
    passed += one.passed
    failed += one.failed
  }
  console.log(`${passed} passed, ${failed} failed`)
  if (failed > 0 || passed === 0) process.exitCode = 1
}

if (import.meta.main) main()
