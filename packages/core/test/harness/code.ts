import { CountersignError, type ErrorCode } from '../../src/errors.ts'

/** The code of the error that this ends with; undefined where it ends well. What has no code is a fault of its own. */
export function codeOf(act: () => unknown): ErrorCode | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (error instanceof CountersignError) return error.code
    throw error
  }
}
