/** The options that name hooks. */
import { type Command, InvalidArgumentError, Option } from 'commander'

export interface HookOptions {
  readonly exec?: string
  readonly webhook?: string
  /** How often a message is tried before it is set aside */
  readonly hookTries: number
  /** Seconds that one try may take */
  readonly hookTimeout: number
}

export function hookOptions(command: Command): Command {
  return command
    .option('--exec <program>', 'run a program for each message: its body on standard input, its fields in COUNTERSIGN_...')
    .option('--webhook <url>', 'post each message: its body as it is, its fields in headers')
    .addOption(
      new Option('--hook-tries <n>', 'how often a message is tried before it is set aside').argParser(positive).default(8),
    )
    .addOption(new Option('--hook-timeout <seconds>', 'how long one try may take').argParser(positive).default(60))
}

function positive(text: string): number {
  const value = Number(text)
  if (value > 0 && value <= 1_000_000) return value
  throw new InvalidArgumentError('It is a number above 0.')
}
