/** The options that say how long the server's senders wait for receipts. */
import { parsedBy, parseDuration } from '@countersign/keyexchange/cli'
import { type Command, Option } from 'commander'

export interface WaitOptions {
  /** How long to wait for receipts, in ms; as long as it takes where it is not said; false: not at all */
  readonly wait?: number | false
}

export function waitOption(command: Command): Command {
  const option = new Option('--wait <time>', 'how long to wait for the receipts, such as 30s or 12h; else as long as it takes')
  return command.addOption(option.argParser(parsedBy(parseDuration, 'It is a number and d, h, m or s.')))
}
