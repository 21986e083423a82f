/** `verify DIR`, the same in the server and the client: evidence held against the signatures that it rests on. */
import { isError, type PublicKey } from '@countersign/core'
import { type MessageStatement, outcomeName, type ReceiptStatement } from '@countersign/core/protocol'
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
  readonly number: number | undefined
  readonly messageStatement: MessageStatement | undefined
  readonly receiptStatement: ReceiptStatement | undefined
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
      for await (const { folder: inner, faults, ...found } of evidenceIn(folder, verify(folder, { ...sameChain }))) {
        if (faults.length === 0) good += 1
        else bad += 1
        const [sender, receiver] = [found.sender, found.receiver].map((key) => signer(key, home))
        const verified = faults.length === 0
        const said = verified ? sayingsOf(found) : undefined
        const record = { folder: inner, verified, ...said, sender, receiver }
        output.result({ ...record, faults: faults.map(({ file, what }) => ({ file, what })) }, [
          `${verified ? style('green', 'verified') : style('red', 'does not verify')}  ${printable(inner)}`,
          ...faults.map(({ file, what }) => style('red', `    ${printable(file)}: ${printable(what)}`)),
          ...(said ? [`    message ${said.number}, sent ${said.sentAt}, ${said.outcome} ${said.receivedAt}`] : []),
          `    from ${line(sender!)}`,
          `    to   ${line(receiver!)}`,
        ])
      }
      if (bad > 0)
        throw new CliError('EVIDENCE', `${bad} of ${good + bad} do not verify`, 'do not rely on them; ask for them anew')
    })
}

/** Where there is none, no storage has failed: another folder was meant. */
async function* evidenceIn(folder: string, found: AsyncIterable<Verified>): AsyncGenerator<Verified> {
  let some = false
  try {
    for await (const one of found) {
      some = true
      yield one
    }
  } catch (cause) {
    if (some || !isError(cause, 'STORAGE')) throw cause
    throw new CliError('MISSING', `there is no evidence in ${folder}`, 'name a folder that an export has written', { cause })
  }
}

/** What the two signed, in short: a receipt may be a refusal, and times can be held against those of the keys. */
interface Sayings {
  readonly number: number
  readonly sentAt: string
  readonly outcome: string
  readonly receivedAt: string
}

function sayingsOf({ number, messageStatement, receiptStatement }: Omit<Verified, 'folder' | 'faults'>): Sayings | undefined {
  if (number === undefined || !messageStatement || !receiptStatement) return undefined
  const { outcome, receivedAt } = receiptStatement
  return { number, sentAt: dateOf(messageStatement.sentAt), outcome: outcomeName(outcome), receivedAt: dateOf(receivedAt) }
}

/** A claim, which may be past what a calendar here reaches. */
function dateOf(time: number): string {
  return time <= 8.64e15 ? isoDate(time) : `${time} ms since 1970`
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
