/** `verify DIR`, the same in the server and the client: evidence held against the signatures that it rests on. */
import type { PublicKey } from '@countersign/core'
import type { Command } from 'commander'
import { type Home, openHome } from '../home/home.ts'
import type { Role } from '../home/layout.ts'
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

export type VerifyEvidence = (folder: string) => AsyncIterable<Verified>

/** @param load gives the verifier, once it is needed */
export function verifyCommand(program: Command, role: Role, load: () => Promise<VerifyEvidence>): void {
  program
    .command('verify')
    .description('verify evidence: one folder of it, or a folder of such folders')
    .argument('<dir>', 'where it is')
    .action(async (folder: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions>()
      const output = outputOf(options)
      const home = homeThere(options.root, role)
      const verify = await load()
      let [good, bad] = [0, 0]
      for await (const { folder: inner, faults, ...keys } of verify(folder)) {
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
}

function signer(key: PublicKey | undefined, home: Home | undefined): Signer {
  const name = key && home?.evidence(key.id)?.name
  return { ...(key && { fingerprint: key.fingerprint }), ...(name !== undefined && { name }) }
}

function line({ fingerprint, name }: Signer): string {
  if (fingerprint === undefined) return 'a key that cannot be read'
  return `${fingerprint}  ${name ?? 'a key that this home does not know: compare it'}`
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
