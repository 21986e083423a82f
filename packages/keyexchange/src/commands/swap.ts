/** `keys swap`: both public keys cross in one run, under a one-time code. */
import { type Command, Option } from 'commander'
import type { AddressInfo } from 'node:net'
import { CliError } from '../cli/exit.ts'
import { readSecret, type SecretSource } from '../cli/secret.ts'
import { style } from '../cli/text.ts'
import { homeExists } from '../home/create.ts'
import type { Home } from '../home/home.ts'
import { DEFAULT_PORT, type Role } from '../home/layout.ts'
import type { Spent } from '../swap/listen.ts'
import type { Party } from '../swap/drive.ts'
import type { Swapped } from '../swap/step.ts'
import { asOption, type Context, contextOf, homeOf, keyRecord, type KeysOptions, newHome, pathsOf } from './context.ts'
import { formatAddress, ownAddress, parseAddress, parseListenAddress } from './address.ts'

interface SwapOptions extends KeysOptions {
  readonly listen?: string
  readonly connect?: string
  readonly peer?: string
  readonly yes?: boolean
  readonly codeFile?: SecretSource
}

export function swapKeys(program: Command, interrupted: AbortSignal): void {
  program
    .command('swap')
    .description('swap public keys with another machine, under a one-time code')
    .addOption(new Option('--listen <[host:]port>', 'wait for the other machine, and show the code').conflicts('connect'))
    .option('--connect <host:port>', 'dial the machine that listens, and type its code')
    .option('--peer <name>', 'what the peer is called here (default: what it calls itself)')
    .option('--yes', 'accept the key of whoever knows the code, without asking')
    .option('--code-file <file>', 'read the code from a file, or - for standard input, instead of asking for it')
    .addOption(asOption())
    .action(async (_: unknown, command: Command) => {
      const context = contextOf<SwapOptions>(command)
      const { listen, connect } = context.options
      if (listen !== undefined) return listenHere(context, listen, interrupted)
      if (connect !== undefined) return dialThere(context, connect, interrupted)
      throw new CliError(
        'USAGE',
        'a swap either listens or connects',
        'add --listen PORT on one machine, --connect HOST:PORT on the other',
      )
    })
}

async function listenHere(context: Context<SwapOptions>, where: string, signal: AbortSignal): Promise<void> {
  const address = parseListenAddress(where)
  const { party, home } = await prepare(context, 'server')
  const { listenSwap } = await import('../swap/listen.ts')
  const onCode = (code: string, bound: AddressInfo, spent?: Spent): void => showCode(context, code, bound, address.host, spent)
  report(context, home, await listenSwap({ ...address, party, onCode, signal }))
}

async function dialThere(context: Context<SwapOptions>, where: string, signal: AbortSignal): Promise<void> {
  const { host, port } = parseAddress(where)
  const { party, home } = await prepare(context, 'client', formatAddress(host, DEFAULT_PORT))
  const { dialSwap } = await import('../swap/dial.ts')
  const code = await codeOf(context)
  report(context, home, await dialSwap({ host, port, code, party, signal }))
}

/** This side's home, made where it is missing, and the person in front of it. */
async function prepare(context: Context<SwapOptions>, side: Role, serverAddress?: string): Promise<{ home: Home; party: Party }> {
  const { options, output } = context
  const { partyOf, requireDecider } = await import('../swap/party.ts')
  requireDecider(output, options.yes ?? false)
  const role = options.as ?? side
  const paths = pathsOf(context, role)
  if (!homeExists(paths)) {
    await newHome(context, paths)
    output.note(`made ${paths.home}, which was missing, with a key of its own`)
  }
  const home = homeOf(context, role)
  const party = await partyOf({
    home,
    output,
    yes: options.yes ?? false,
    ...(options.peer !== undefined && { peer: options.peer }),
    ...(role === 'client' && serverAddress !== undefined && { address: serverAddress }),
  })
  return { home, party }
}

async function codeOf({ options, output }: Context<SwapOptions>): Promise<string> {
  const { readCode } = await import('../swap/code.ts')
  if (options.codeFile !== undefined) return readCode(readSecret(options.codeFile, 'code'))
  const { askCode } = await import('../swap/ask.ts')
  return askCode(output)
}

const SPENT: Readonly<Record<Spent, string>> = {
  wrong:
    'Somebody tried a wrong code. That code is spent, and nothing was saved. If it was not a slip of your partner, somebody is in between.',
  expired: 'Ten minutes are over, and that code with them.',
  cut: 'The connection ended in the middle of the swap. That code is spent, and nothing was saved here.',
}

function showCode({ output }: Context<SwapOptions>, code: string, bound: AddressInfo, host?: string, spent?: Spent): void {
  if (spent) output.note(SPENT[spent])
  const address = formatAddress(host ?? ownAddress(bound), bound.port)
  output.result({ event: 'code', code, address, ...(spent && { spent }) }, [
    'On the other machine run',
    `  ${style('bold', `${programName()} swap --connect ${address}`)}`,
    'and type this code, which is good once and for ten minutes:',
    `  ${style(['bold', 'green'], code)}`,
  ])
}

/** How this program is called here, and so most likely there. */
function programName(): string {
  return process.env['npm_lifecycle_event'] === 'keys' ? 'pnpm keys' : 'countersign-keys'
}

function report({ output }: Context<SwapOptions>, home: Home, { offer, confirmed }: Swapped): void {
  const name = home.peerOf(offer.publicKey)!.name
  const record = keyRecord(offer.publicKey)
  output.result({ event: 'swapped', peer: name, confirmed, ...record }, [
    `${name} is trusted now, by its ${record.type} key`,
    `  ${record.fingerprint}`,
    `  ${record.words}`,
  ])
  if (confirmed) return
  const message = `${name} was saved here, but the other side did not say that it has saved this side's key`
  throw new CliError('NETWORK', message, 'run the swap again on both sides: it finds what is there and adds what is missing')
}
