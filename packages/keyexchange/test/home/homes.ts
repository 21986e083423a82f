/** Homes made in this process. */
import { generatePrivateKey, type PrivateKey, type PublicKey } from '@countersign/core'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeFailure } from '../../src/cli/failure.ts'
import { createHome } from '../../src/home/create.ts'
import { type Home, openHome } from '../../src/home/home.ts'
import { homePaths, resolveRoot } from '../../src/home/layout.ts'
import { temporaryFolder } from '../program.ts'

/** The passphrase of a key that has none. */
export const never = (): never => {
  throw new Error('no key here has a passphrase')
}

export async function makeHome(root: string = temporaryFolder(), privateKey: PrivateKey = generatePrivateKey()): Promise<string> {
  await createHome(homePaths(resolveRoot(root), 'client'), { name: 'ada', privateKey })
  return root
}

export function open(root: string, now?: () => number): Home {
  return openHome({ root, role: 'client', ...(now && { now }) })
}

export function drop(root: string, name: string, content: string): string {
  const path = join(root, 'client', name)
  writeFileSync(path, content, { mode: 0o644 })
  return path
}

export function problemsOf(home: Home): string[] {
  return home.problems.map(({ error }) => describeFailure(error).message)
}

/** Whom a home trusts with this key: a name, `revoked`, or nobody. */
export function trustIn(home: Home, { id }: PublicKey): string | undefined {
  const trust = home.trust(id)
  return trust && ('peer' in trust ? trust.peer.name : 'revoked')
}
