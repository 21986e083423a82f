/** `countersign-server send`: messages to a client, through the outbox and the running server. */
import { openHome, type TrustedPeer } from '@countersign/keyexchange'
import { type CommonOptions, type Output, outputOf, passphraseAsker, printable } from '@countersign/keyexchange/cli'
import { deliver, type Input, type InputOptions, inputOptions, openInput } from '@countersign/mailbox'
import { openOwnOutbox } from '@countersign/mailbox/stored'
import type { StoredOutbox } from '@countersign/store'
import type { Command } from 'commander'
import { type WaitOptions, waitOption } from '../sending-options.ts'

interface SendOptions extends CommonOptions, InputOptions, WaitOptions {}

export function send(program: Command, interrupted: AbortSignal): void {
  const command = program
    .command('send')
    .description('send a text, files or standard input to a client: the running server hands it over while that client receives')
    .argument('<peer>', 'which client')
    .argument('[text...]', 'one message, its words joined by spaces')
    .action(async (name: string, words: string[], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<SendOptions>()
      const { wait = Infinity } = options
      const output = outputOf(options)
      const home = openHome({ root: options.root, role: 'server', passphrase: passphraseAsker(options, output) })
      const peer = home.peer(name)
      const input = await openInput(words, options, output)
      await using outbox = await openOwnOutbox(home, output, !input.single)
      if (wait === false) return await queue(outbox, peer, input, output, interrupted)
      const { openQueue } = await import('../sending.ts')
      await using way = openQueue(peer, outbox, output, wait, interrupted)
      await deliver(way, input, output, interrupted)
    })
  waitOption(inputOptions(command)).option('--no-wait', 'do not wait for receipts: what is in the outbox will arrive')
}

/** Puts it all into the outbox, and prints that it is there. */
async function queue(
  outbox: StoredOutbox,
  peer: TrustedPeer,
  input: Input,
  output: Output,
  interrupted: AbortSignal,
): Promise<void> {
  for await (const { body, options } of input.messages(interrupted)) {
    const { serial: id, number } = await outbox.enqueue(peer, body, options)
    const { name } = options
    const what = name === undefined ? `#${number}` : `#${number} ${printable(name)}`
    output.result({ outcome: 'queued', id, number, to: peer.name, ...(name !== undefined && { name }) }, [
      `${what}  queued for ${peer.name}, id ${id}`,
    ])
  }
}
