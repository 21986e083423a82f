/** Exit codes, the same in all three programs, and the error that carries one. */

/** A code never changes its meaning. */
export const EXIT = {
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
} as const

/** The names of the exit codes that are failures. */
export type ExitCode = Exclude<keyof typeof EXIT, 'DONE'>

/**
 * A failure that says to a person what happened, what was left unchanged, and what to do next.
 *
 * `message` and `hint` are one line each and begin in lower case; they hold no secret.
 */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: ExitCode
  readonly hint: string

  constructor(code: ExitCode, message: string, hint: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.hint = hint
  }

  /** The exit status of the process: `EXIT[code]`. */
  get exit(): number {
    return EXIT[this.code]
  }
}
