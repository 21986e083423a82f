/** Where this repository's packages are, and the Node releases it is tested on. */
import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'

export const root: string = join(import.meta.dirname, '..')

/** The folders of all packages that carry tests, relative to the root. */
export const packages: readonly string[] = globSync('{packages/*,apps/*,attacks,bench,examples,scripts}/test', { cwd: root })
  .map((path) => join(path, '..'))
  .toSorted()

/** A Node release other than the one that scripts run on: `node24` or `node24floor` of the root's package.json. */
export function otherNode(alias: string): string | undefined {
  const binary = join(root, 'node_modules', alias, 'bin/node')
  return existsSync(binary) ? binary : undefined
}
