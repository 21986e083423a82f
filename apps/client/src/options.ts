/** The options that say which server, where it is, and how long it is tried. */
import { parsedBy, parseDuration, portOption, timeoutOption, traceOption } from '@countersign/keyexchange/cli'
import { type Command, Option } from 'commander'
import type { StayOptions } from './stay.ts'
import type { WayOptions } from './way.ts'

export interface AddressOptions extends WayOptions {
  readonly trace?: boolean
}

export interface PeerOptions extends AddressOptions, StayOptions {
  readonly to?: string
}

/** Which server to send to, where it is, and how long it is tried. */
export function serverOptions(command: Command, retry = '0s'): Command {
  return stayOptions(addressOptions(command.option('--to <peer>', 'which server, where this home trusts several')), retry)
}

export function addressOptions(command: Command): Command {
  return command
    .option('--host <host>', "where it is, where its key's file does not say so")
    .addOption(portOption('its port', 1))
    .addOption(timeoutOption())
    .addOption(traceOption())
}

/** @param said what the help says of the time that stands where none is given */
export function stayOptions(command: Command, retry: string, said: string = retry): Command {
  return command.addOption(
    new Option('--retry <time>', 'how long to go on trying where it cannot be reached or goes away, such as 30s, 12h or forever')
      .argParser(duration)
      .default(duration(retry), said),
  )
}

const duration = parsedBy(
  (text) => (text === 'forever' ? Infinity : parseDuration(text)),
  'It is a number and d, h, m or s, or forever.',
)
