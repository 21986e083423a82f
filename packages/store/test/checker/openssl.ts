/** Signatures verified by the openssl program, many with one start of a shell. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** An Ed25519 signature that is to be verified. */
export interface Claim {
  readonly what: string
  /** The file of the public key that must have made it. */
  readonly key: string
  /** What was signed. */
  readonly signed: Uint8Array
  readonly signature: Uint8Array
}

/** The claims that openssl does not confirm. */
export async function unverified(claims: readonly Claim[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-signatures-'))
  try {
    const lines = await Promise.all(claims.map((claim, i) => verification(folder, claim, i)))
    const shares = Array.from({ length: availableParallelism() }, (_, share) => {
      return lines.filter((_, i) => i % availableParallelism() === share)
    })
    const said = await Promise.all(shares.map((share, i) => runShell(join(folder, `share-${i}.sh`), share)))
    const confirmed = new Set(said.flatMap((text) => text.split('\n')))
    return claims.filter((_, i) => !confirmed.has(String(i))).map(({ what }) => what)
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function verification(folder: string, { key, signed, signature }: Claim, i: number): Promise<string> {
  const file = join(folder, String(i))
  await writeFile(file, signed)
  await writeFile(`${file}.sig`, signature)
  return `openssl pkeyutl -verify -pubin -inkey '${key}' -rawin -in ${file} -sigfile ${file}.sig >/dev/null 2>&1 && echo ${i}`
}

async function runShell(script: string, lines: readonly string[]): Promise<string> {
  await writeFile(script, `${lines.join('\n')}\n:\n`)
  const { stdout } = await promisify(execFile)('sh', [script], { maxBuffer: 2 ** 26 })
  return stdout
}
