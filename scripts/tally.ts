/**
 * Sums what vitest's JSON reports in the packages' .reports say: a line for each, then `N passed, N failed`.
 * Exit status 1 where anything failed, or nothing passed.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packages, root } from './workspace.ts'

/** The part of vitest's JSON report that is counted. */
interface Report {
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly { readonly status: string }[] }[]
}

interface Count {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/** What one report says. A file that failed without a failed test (it did not load, say) counts as one failure. */
export function count({ testResults }: Report): Count {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  const broken = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  )
  const passed = tests.filter(({ status }) => status === 'passed').length
  const failed = tests.filter(({ status }) => status === 'failed').length
  return { passed, failed: failed + broken.length, skipped: tests.length - passed - failed }
}

function main(): void {
  let passed = 0
  let failed = 0
  for (const path of packages.flatMap((name) => globSync(join(name, '.reports/*.json'), { cwd: root }).toSorted())) {
    const one = count(JSON.parse(readFileSync(join(root, path), 'utf8')) as Report)
    console.log(`${path}: ${one.passed} passed, ${one.failed} failed, ${one.skipped} skipped`)
    passed += one.passed
    failed += one.failed
  }
  console.log(`${passed} passed, ${failed} failed`)
  if (failed > 0 || passed === 0) process.exitCode = 1
}

if (import.meta.main) main()
