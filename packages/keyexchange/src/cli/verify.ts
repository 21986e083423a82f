/** `verify DIR`, the same in the server and the client: evidence held against the signatures that it rests on. */
import type { PublicKey } from '@countersign/core'
import type { Command } from 'commander'
import { existsSync } from 'node:fs'
import { type Home, openHome } from '../home/home.ts'
import type { Role } from '../home/layout.ts'
import { isoDate } from '../home/about.ts'
import { CliError } from './exit.ts'
import { type CommonOptions, outputOf } from './program.ts'
import { printable, style } from './text.ts'

/** What one evidence folder proves, as @countersign/store says it. */
interface Verified {
  readonly folder: string
  readonly faults: readonly { readonly file: string; readonly what: string }[]
  readonly sender: PublicKey | undefined
  readonly receiver: PublicKey | undefined
}

interface VerifyOptions {
  /** Whether two keyIds are one side's, by its rotations */
  readonly sameChain?: (a: Uint8Array, b: Uint8Array) => boolean
}

/** The verifier of @countersign/store, as this command calls it. */
export type VerifyEvidence = (folder: string, options: VerifyOptions) => AsyncIterable<Verified>

/**
 * Adds `verify DIR` to a program.
 *
 * @param load gives the verifier, once it is needed
 */
export function verifyCommand(program: Command, role: Role, load: () => Promise<VerifyEvidence>): void {
  program
    .command('verify')
    .description('verify evidence: one folder of it, or a folder of such folders')
    .argument('<dir>', 'where it is')
    .action(async (folder: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>()
      const output = outputOf(options)
      if (!existsSync(folder))
        throw new CliError('MISSING', `there is no folder ${folder}`, 'name one that an export has written')
      const home = homeThere(options.root, role)
      const verify = await load()
      const sameChain = home && { sameChain: (a: Uint8Array, b: Uint8Array) => home.sameChain(a, b) }
      let [good, bad] = [0, 0]
      for await (const { folder: inner, faults, ...keys } of verify(folder, { ...sameChain })) {
        if (faults.length === 0) good += 1
        else bad += 1
        const [sender, receiver] = [keys.sender, keys.receiver].map((key) => signer(key, home))
        const verified = faults.length === 0
        output.result({ folder: inner, verified, sender, receiver, faults: faults.map(({ file, what }) => ({ file, what })) }, [
          `${verified ? style('green', 'verified') : style('red', 'does not verify')}  ${printable(inner)}`,
          ...faults.map(({ file, what }) => style('red', `    ${printable(file)}: ${printable(what)}`)),
          `    from ${line(sender!)}`,
          `    to   ${line(receiver!)}`,
        ])
      }
      if (bad > 0)
        throw new CliError('EVIDENCE', `${bad} of ${good + bad} do not verify`, 'do not rely on them; ask for them anew')
    })
}

interface Signer {
  readonly fingerprint?: string
  /** By which this home knows the key */
  readonly name?: string
  /** Since when the key is known, and until when it was good, where a rotation ended it */
  readonly since?: string
  readonly until?: string
  readonly revoked?: boolean
}

function signer(key: PublicKey | undefined, home: Home | undefined): Signer {
  if (key === undefined) return {}
  const { fingerprint } = key
  const known = home?.evidence(key.id)
  if (known === undefined) return { fingerprint }
  const { name, since, until, revoked } = known
  return {
    fingerprint,
    name,
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until: isoDate(until) }),
    revoked,
  }
}

function line({ fingerprint, name, since, until, revoked }: Signer): string {
  if (fingerprint === undefined) return 'a key that cannot be read'
  if (name === undefined) return `${fingerprint}  a key that this home does not know: compare it`
  const dates = [since && `since ${since}`, until && `until ${until}`, revoked && 'revoked here']
  return [`${fingerprint}  ${name}`, ...dates.filter(Boolean)].map((text) => printable(String(text))).join(', ')
}

/** Evidence can be verified by anyone: a home only adds names. */
function homeThere(root: string | undefined, role: Role): Home | undefined {
  try {
    return openHome({ root, role })
  } catch (error) {
    if (error instanceof CliError && error.code === 'MISSING') return undefined
    throw error
  }
}
