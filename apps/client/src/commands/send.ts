/** `countersign-client send`: texts, files or standard input, and a receipt for each message. */
import type { SecureSession, TraceEvent } from '@countersign/core'
import { openHome } from '@countersign/keyexchange'
import { type CommonOptions, narrator, outputOf, passphraseAsker, progressBar } from '@countersign/keyexchange/cli'
import { deliver, type Input, type InputOptions, inputOptions, openInput } from '@countersign/mailbox'
import { openOwnOutbox } from '@countersign/mailbox/stored'
import type { Command } from 'commander'
import { openDurable } from '../durable.ts'
import { OnWay } from '../on-way.ts'
import { type PeerOptions, serverOptions } from '../options.ts'
import { type Journey, openSession } from '../way.ts'

interface SendOptions extends CommonOptions, InputOptions, PeerOptions {
  readonly ephemeral?: boolean
}

/** Files as long as this, in bytes, are worth a progress bar. */
const LONG = 8 * 1024 * 1024

export function send(program: Command, interrupted: AbortSignal): void {
  const command = program
    .command('send')
    .description('send a text, files or standard input; with no words at a terminal, what you type, line by line')
    .argument('[text...]', 'one message, its words joined by spaces')
    .option('--ephemeral', 'keep nothing: what has no receipt when the session ends is given up')
    .action(async (words: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<SendOptions>()
      const output = outputOf(options)
      const home = openHome({ root: options.root, role: 'client', passphrase: passphraseAsker(options, output) })
      const peer = home.peer(options.to)
      const input = await openInput(words, options, output)
      using bar = input.length >= LONG ? await progressBar(output, 'sending', input.length, 'bytes') : undefined
      const narrate = options.trace ? narrator((line) => output.note(line)) : () => {}
      const onWay = new OnWay(bar)
      const trace = (event: TraceEvent): void => {
        narrate(event)
        onWay.see(event)
      }
      const begin = (session: SecureSession): void => onWay.begin(session)
      const journey = { home, peer, output, interrupted, trace, begin, onWay }
      await (options.ephemeral ? sendEphemeral : sendDurable)(journey, input, options)
    })
  serverOptions(inputOptions(command))
}

interface Sending extends Journey {
  readonly onWay: OnWay
}

async function sendEphemeral(journey: Sending, input: Input, options: SendOptions): Promise<void> {
  await using way = await openSession(journey, options)
  await deliver(journey.onWay.counted(way), input, journey.output, journey.interrupted)
}

async function sendDurable(journey: Sending, input: Input, options: SendOptions): Promise<void> {
  await using outbox = await openOwnOutbox(journey.home, journey.output, !input.single)
  await using way = await openDurable(journey, outbox, options)
  await deliver(journey.onWay.counted(way), input, journey.output, journey.interrupted)
}
