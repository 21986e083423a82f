/** Options that the server and the client share. */
import { InvalidArgumentError, Option } from 'commander'

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
