/** The options that say which server, where it is, and how long it is tried. */
import { parseDuration, portOption, timeoutOption, traceOption } from '@countersign/keyexchange/cli'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { DurableOptions } from './durable.ts'

export interface PeerOptions extends DurableOptions {
  readonly to?: string
  readonly trace?: boolean
}

export function serverOptions(command: Command): Command {
  return command
    .option('--to <peer>', 'which server, where this home trusts several')
    .option('--host <host>', "where it is, where its key's file does not say so")
    .addOption(portOption('its port', 1))
    .addOption(timeoutOption())
    .addOption(
      new Option('--retry <time>', 'how long to go on trying where it cannot be reached or goes away, such as 30s or 12h')
        .argParser(duration)
        .default(0, '0s'),
    )
    .addOption(traceOption())
}

function duration(text: string): number {
  const parsed = parseDuration(text)
  if (parsed === undefined) throw new InvalidArgumentError('It is a number and d, h, m or s.')
  return parsed
}
