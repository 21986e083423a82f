/**
 * Runs every package's tests on another Node release: `node scripts/test-on.ts node24 [OPTIONS OF VITEST...]`.
 *
 * Not through turbo: pnpm puts the root's own Node in front of any other for each script it runs.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { otherNode, packages, root } from './workspace.ts'

const [alias, ...options] = process.argv.slice(2)
const node = otherNode(alias!)

if (node === undefined) {
  console.log(`skipped: ${alias} is a Node for linux-x64, and this is ${process.platform}-${process.arch}`)
  process.exit(process.platform === 'linux' && process.arch === 'x64' ? 1 : 0)
}

for (const name of packages) {
  const { status } = spawnSync(node, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...options], {
    cwd: join(root, name),
    stdio: 'inherit',
  })
  if (status !== 0) process.exitCode = 1
}
