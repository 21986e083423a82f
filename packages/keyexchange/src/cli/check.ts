/** What a `doctor` looked at, as it is printed. */
import { describeFailure } from './failure.ts'
import type { Output } from './output.ts'
import { printable, style } from './text.ts'

/** One thing that was looked at. */
export interface Check {
  readonly name: string
  /** What was found, or what keeps it from being found out */
  readonly what: string
  /** Why it does not hold, where it does not */
  readonly error?: unknown
  /** Whether something before it has to be put right first */
  readonly untried?: boolean
}

/** Prints a check, with what to do where it does not hold. */
export function printCheck(output: Output, { name, what, error, untried = false }: Check): void {
  const hint = error === undefined ? undefined : describeFailure(error).hint
  const outcome = untried ? 'untried' : hint === undefined ? 'holds' : 'fails'
  const start = { untried: style('dim', '-   '), holds: style('green', 'ok  '), fails: style('red', 'fail') }[outcome]
  const lines = [`${start}  ${name.padEnd(10)}  ${printable(what)}`]
  if (hint !== undefined) lines.push(`${' '.repeat(18)}${style('cyan', 'hint:')} ${printable(hint)}`)
  output.result({ check: name, outcome, what, ...(hint !== undefined && { hint }) }, lines)
}
