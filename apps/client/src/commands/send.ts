/** `countersign-client send`: texts, files or standard input, and a receipt for each message. */
import { PeerError, type TraceEvent } from '@countersign/core'
import { openHome } from '@countersign/keyexchange'
import {
  type CommonOptions,
  narrator,
  outputOf,
  passphraseAsker,
  portOption,
  type Progress,
  progressBar,
  timeoutOption,
  traceOption,
} from '@countersign/keyexchange/cli'
import { type Command, Option } from 'commander'
import { dispatch } from '../dispatch.ts'
import { type InputOptions, openInput } from '../input.ts'
import { reach, type ReachOptions } from '../reach.ts'

/** Files as long as this, in bytes, are worth a progress bar. */
const LONG = 8 * 1024 * 1024

interface SendOptions extends CommonOptions, InputOptions, ReachOptions {
  readonly to?: string
  readonly trace?: boolean
}

export function send(program: Command, interrupted: AbortSignal): void {
  program
    .command('send')
    .description('send a text, files or standard input; with no words at a terminal, what you type, line by line')
    .argument('[text...]', 'one message, its words joined by spaces')
    .option('--to <peer>', 'which server, where this home trusts several')
    .option('--host <host>', "where it is, where its key's file does not say so")
    .addOption(portOption('its port', 1))
    .addOption(new Option('--file <file>', 'send a file; may stand several times').argParser(collect))
    .option('--lines', 'send each line of standard input as a message of its own')
    .option('--content-type <type>', 'what the messages are; of a file its name tells')
    .option('--id <id>', 'an id of your own for the message')
    .option('--in-reply-to <id>', 'the id of the message that it answers')
    .addOption(timeoutOption())
    .addOption(traceOption())
    .action(async (words: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<SendOptions>()
      const output = outputOf(options)
      const home = openHome({ root: options.root, role: 'client', passphrase: passphraseAsker(options, output) })
      const input = await openInput(words, options, output)
      using bar = input.length >= LONG ? await progressBar(output, 'sending', input.length, 'bytes') : undefined
      const trace = traced(options.trace ? narrator((line) => output.note(line)) : undefined, bar)
      await using session = await reach(home, home.peer(options.to), options, output, trace, interrupted)
      const over = new AbortController()
      void session.closed.then(() => over.abort())
      const refusal = await dispatch(session, input, output, AbortSignal.any([over.signal, interrupted]))
      interrupted.throwIfAborted()
      if (over.signal.aborted) throw (await session.closed).error ?? new PeerError('CLOSED_BY_PEER', 'it has stopped')
      if (refusal !== undefined) throw refusal
    })
}

/** Tells each step where that is asked for, and how much of the messages is on its way. */
function traced(narrate: ((event: TraceEvent) => void) | undefined, bar: Progress | undefined): (event: TraceEvent) => void {
  let sent = 0
  return (event) => {
    narrate?.(event)
    if (event.sent && event.kind === 'MESSAGE') bar?.reach((sent += event.length))
  }
}

function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value]
}
