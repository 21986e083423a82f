import { CountersignError, ERRORS, LocalError, NetworkError, PeerError } from '@countersign/core'
import type { ErrorCode } from '@countersign/core'
import { expect, test } from 'vitest'
import { CliError, EXIT } from '../../src/cli/exit.ts'
import { describeFailure } from '../../src/cli/failure.ts'
import { printable } from '../../src/cli/text.ts'

function errorOf(code: ErrorCode): CountersignError {
  const { fault } = ERRORS[code]
  if (fault === 'peer') return new PeerError(code as never)
  return fault === 'network' ? new NetworkError(code as never) : new LocalError(code as never)
}

test.each(Object.keys(ERRORS) as ErrorCode[])('%s has an exit status and a hint', async (code) => {
  const failure = describeFailure(errorOf(code))
  expect(failure.code).toBe(code)
  expect(failure.exit === EXIT.INTERNAL).toBe(code === 'INTERNAL')
  expect(Object.values(EXIT)).toContain(failure.exit)
  expect(failure.hint).toMatch(/^[^A-Z].{10,}[^.]$/)
})

test('the exit codes are these, for good', async () => {
  expect(EXIT).toEqual({
    DONE: 0,
    INTERNAL: 1,
    USAGE: 2,
    EXISTS: 3,
    MISSING: 4,
    PERMISSIONS: 5,
    BAD_KEY: 6,
    CODE_MISMATCH: 7,
    NETWORK: 8,
    DECLINED: 9,
    CONFLICT: 10,
    REFUSED: 11,
    WRONG_PEER: 12,
    EVIDENCE: 13,
    STORAGE: 14,
    INTERRUPTED: 130,
  })
})

test.each([
  ['EACCES', 5],
  ['ENOENT', 4],
  ['ELOOP', 4],
  ['EBADF', 2],
  ['ENAMETOOLONG', 2],
  ['ERR_STRING_TOO_LONG', 6],
  ['EEXIST', 3],
  ['ENOSPC', 14],
  ['EIO', 14],
  ['ECONNREFUSED', 8],
  ['EADDRINUSE', 8],
])('the system’s %s is exit status %i', (code, exit) => {
  expect(describeFailure(Object.assign(new Error('x'), { code }))).toMatchObject({ code, exit })
})

test('what nobody foresaw is exit status 1 and says so', async () => {
  expect(describeFailure(new TypeError('x is not a function'))).toMatchObject({ code: 'INTERNAL', exit: 1 })
  expect(describeFailure('thrown')).toMatchObject({ exit: 1, message: 'a fault of this program: thrown' })
})

test('a failure of our own speaks for itself', async () => {
  const error = new CliError('CONFLICT', 'what happened', 'what to do')
  expect(describeFailure(error)).toEqual({ code: 'CONFLICT', exit: 10, message: 'what happened', hint: 'what to do' })
})

test.each([
  ['\u001b[2Jgone', String.raw`\u{1b}[2Jgone`],
  ['a\nerror: b', String.raw`a\u{a}error: b`],
  ['\u009b31m', String.raw`\u{9b}31m`],
  ['abc\u202edcba', String.raw`abc\u{202e}dcba`],
  ['\ud800', '\ufffd'],
  ['Grüße, 世界 🌍', 'Grüße, 世界 🌍'],
])('%j is printed as %s', (text, printed) => {
  expect(printable(text)).toBe(printed)
})
