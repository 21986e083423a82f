/** This side of a swap: a home, and the person in front of it. */
import { CliError } from '../cli/exit.ts'
import type { Output } from '../cli/output.ts'
import { answered } from '../cli/secret.ts'
import type { Home } from '../home/home.ts'
import { checkPin, pin } from '../home/pin.ts'
import { checkWords, keyType } from '../words.ts'
import type { Party } from './drive.ts'
import type { Offer } from './step.ts'

export interface PartyOptions {
  readonly home: Home
  readonly output: Output
  /** Accept without asking a person */
  readonly yes: boolean
  /** What the peer is called here; what it calls itself, where not said */
  readonly peer?: string
  /** HOST:PORT of the peer's server, where it is known */
  readonly address?: string
}

export async function partyOf({ home, output, yes, peer, address }: PartyOptions): Promise<Party> {
  const [identity] = await home.identities()
  return {
    identity,
    name: home.name,
    async decide(offer, signal) {
      const { existed } = checkPin(home, peer ?? offer.name, offer.publicKey)
      return existed || yes || (await askPerson(output, offer, signal))
    },
    save: ({ name, publicKey }) => void pin(home, peer ?? name, publicKey, 'swapped with a code', address),
  }
}

/** @throws CliError USAGE where neither --yes stands nor anybody can be asked: before a code is used up */
export function requireDecider(output: Output, yes: boolean): void {
  if (yes || output.interactive) return
  throw new CliError('USAGE', 'nobody can be asked here whether to trust the key', 'add --yes to accept whoever knows the code')
}

async function askPerson(output: Output, { name, publicKey }: Offer, signal: AbortSignal): Promise<boolean> {
  const { confirm } = await import('@clack/prompts')
  output.note(`${name} offers its ${keyType(publicKey)} key:`)
  output.note(`  ${publicKey.fingerprint}`)
  output.note(`  ${checkWords(publicKey.id)}`)
  const answer = await confirm({ message: `Trust ${name}?`, output: process.stderr, signal })
  signal.throwIfAborted()
  return answered(answer)
}
