/** Options that programs share, and how what is given to them is read. */
import { InvalidArgumentError, Option } from 'commander'

/** A commander parser for an option that has a rule of its own. */
export function parsedBy<T>(parse: (text: string) => T | undefined, rule: string): (text: string) => T {
  return (text) => {
    const value = parse(text)
    if (value === undefined) throw new InvalidArgumentError(rule)
    return value
  }
}

/** The id of what a database holds. */
export const parseId: (text: string) => number = parsedBy((text) => {
  const id = Number(text)
  return Number.isSafeInteger(id) && id >= 1 ? id : undefined
}, 'An id is a number from 1.')

/** The ids of a text such as 7 or 7-12. */
export function parseIdRange(text: string): { readonly first: number; readonly last: number } {
  const [first, last = first] = text.split('-', 2).map(parseId)
  return { first: first!, last: last! }
}

function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text)
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`It is a number from ${least} to ${most}.`)
  }
}

/**
 * `--port`.
 *
 * @param least 0 where the system may choose the port
 */
export function portOption(description: string, least: 0 | 1): Option {
  const parse = numberBetween(least, 65_535)
  return new Option('--port <port>', description).argParser((text) => Math.trunc(parse(text)))
}

/** How long a handshake may take, in seconds. */
export function timeoutOption(): Option {
  const parse = numberBetween(0.1, 3600)
  return new Option('--timeout <seconds>', 'how long a handshake may take').argParser(parse).default(10)
}

/** `--trace`. */
export function traceOption(): Option {
  return new Option('--trace', 'tell every step of the protocol: its size and what each field is for, and no secret')
}
