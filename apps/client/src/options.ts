/** The options that say which server, where it is, and how long it is tried. */
import { parseDuration, portOption, timeoutOption, traceOption } from '@countersign/keyexchange/cli'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { StayOptions } from './stay.ts'

export interface AddressOptions extends StayOptions {
  readonly trace?: boolean
}

export interface PeerOptions extends AddressOptions {
  readonly to?: string
}

export function serverOptions(command: Command): Command {
  return addressOptions(command.option('--to <peer>', 'which server, where this home trusts several'))
}

/** For what names the server by a word of its own. */
export function addressOptions(command: Command, retry: string = '0s'): Command {
  return command
    .option('--host <host>', "where it is, where its key's file does not say so")
    .addOption(portOption('its port', 1))
    .addOption(timeoutOption())
    .addOption(
      new Option(
        '--retry <time>',
        'how long to go on trying where it cannot be reached or goes away, such as 30s, 12h or forever',
      )
        .argParser(duration)
        .default(duration(retry), retry),
    )
    .addOption(traceOption())
}

function duration(text: string): number {
  const parsed = text === 'forever' ? Infinity : parseDuration(text)
  if (parsed === undefined) throw new InvalidArgumentError('It is a number and d, h, m or s, or forever.')
  return parsed
}
