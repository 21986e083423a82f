/** `countersign-client ping`: whether a server is there, whether it is the pinned one, and how near it is. */
import { VERSION } from '@countersign/core/protocol'
import { checkWords, keyType, openHome } from '@countersign/keyexchange'
import {
  type CommonOptions,
  formatAddress,
  formatSize,
  narrator,
  outputOf,
  passphraseAsker,
  style,
} from '@countersign/keyexchange/cli'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { addressOptions, type AddressOptions } from '../options.ts'
import { ping as pingServer, type Pinged } from '../ping.ts'

interface PingOptions extends CommonOptions, AddressOptions {
  readonly count: number
}

const MOST = 1000

export function ping(program: Command, interrupted: AbortSignal): void {
  const command = program
    .command('ping')
    .description('open a session and measure it: the handshake, and how long it takes there and back')
    .argument('[server]', 'which one; it need not be named where this home trusts no other')
    .addOption(
      new Option('--count <n>', 'how often to go there and back')
        .argParser((text) => {
          const count = /^\d{1,4}$/.test(text) ? Number(text) : 0
          if (count >= 1 && count <= MOST) return count
          throw new InvalidArgumentError(`It is a number from 1 to ${MOST}.`)
        })
        .default(5),
    )
    .action(async (name: string | undefined, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<PingOptions>()
      const output = outputOf(options)
      const home = openHome({ root: options.root, role: 'client', passphrase: passphraseAsker(options, output) })
      const trace = options.trace ? narrator((line) => output.note(line)) : () => {}
      const pinged = await pingServer({ home, peer: home.peer(name), output, interrupted, trace }, options, options.count)
      interrupted.throwIfAborted()
      output.result(recordOf(pinged), linesOf(pinged))
    })
  addressOptions(command)
}

function recordOf({ peer, host, port, session, maxItem, roundTrips, ...times }: Pinged): object {
  const { name, key } = peer
  return {
    server: { name, type: keyType(key), fingerprint: key.fingerprint, words: checkWords(key.id) },
    host,
    port,
    protocol: VERSION,
    session,
    maxItem,
    connect: rounded(times.connect),
    handshake: rounded(times.handshake),
    roundTrip: { count: roundTrips.length, ...spread(roundTrips.map(rounded)) },
  }
}

function linesOf({ peer, host, port, maxItem, connect, handshake, roundTrips }: Pinged): string[] {
  const { min, median, max } = spread(roundTrips)
  const { key } = peer
  return [
    `${style('bold', peer.name!)}  ${formatAddress(host, port)}  protocol ${VERSION}`,
    `  ${keyType(key)}  ${key.fingerprint}  ${style('green', 'proved')}`,
    `  ${checkWords(key.id)}`,
    `  takes messages ${maxItem === 2 ** 53 ? 'of any length' : `up to ${formatSize(maxItem)}`}`,
    `  connection ${ms(connect)}, handshake ${ms(handshake)}`,
    `  ${roundTrips.length} there and back: ${ms(min)} at the least, ${ms(median)} in the middle, ${ms(max)} at the most`,
  ]
}

function spread(times: readonly number[]): { readonly min: number; readonly median: number; readonly max: number } {
  const sorted = times.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { min: sorted[0]!, median, max: sorted.at(-1)! }
}

function ms(time: number): string {
  return `${time.toFixed(2)} ms`
}

/** Microseconds are enough. */
function rounded(time: number): number {
  return Math.round(time * 1000) / 1000
}
