/** What a command prints: results on standard output, notes on standard error. */

export interface OutputOptions {
  readonly json: boolean
  readonly quiet: boolean
  /** Whether a person may be asked; false with --no-input */
  readonly input: boolean
}

/** A notice, by its code. */
export interface Notice {
  readonly code: string
  readonly [field: string]: unknown
}

/** Prints for people, or as JSON for programs. */
export class Output {
  readonly json: boolean
  readonly quiet: boolean
  /** Whether a person can be asked: allowed, and standard input and error are a terminal */
  readonly interactive: boolean

  constructor({ json, quiet, input }: OutputOptions) {
    this.json = json
    this.quiet = quiet
    this.interactive = input && process.stdin.isTTY === true && process.stderr.isTTY === true
  }

  /** A result: as one line of JSON with --json, else as lines for people. */
  result(value: object, lines: readonly string[]): void {
    process.stdout.write(this.json ? `${JSON.stringify(value)}\n` : lines.map((line) => `${line}\n`).join(''))
  }

  /** Something that somebody has to see to, though nothing failed: lines for people, and with --json also one of JSON. */
  notice(value: Notice, lines: readonly string[]): void {
    if (this.json) this.result({ event: 'notice', ...value }, [])
    for (const line of lines) this.note(line)
  }

  /** Something worth knowing that is no result. */
  note(line: string): void {
    if (!this.quiet) process.stderr.write(`${line}\n`)
  }
}
