/**
 * Runs every package's tests on another Node release, or those of some folders: `node scripts/test-on.ts node24 [FOLDER...] [OPTIONS OF VITEST...]`.
 *
 * Not through turbo: pnpm puts the root's own Node in front of any other for each script it runs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { otherNode, packages, root } from './workspace.ts'

/** Packages that are tested at once: much of their time is waiting for programs and disks. */
const AT_ONCE = 3

const [alias, ...words] = process.argv.slice(2)
const within = (folder: string): string[] => packages.filter((name) => name === folder || name.startsWith(`${folder}/`))
const folders = words.filter((word) => within(word).length > 0)
const options = words.filter((word) => !folders.includes(word))
const node = otherNode(alias!)

if (node === undefined) {
  console.log(`skipped: ${alias} is a Node for linux-x64, and this is ${process.platform}-${process.arch}`)
  process.exit(process.platform === 'linux' && process.arch === 'x64' ? 1 : 0)
}

const waiting = folders.length > 0 ? folders.flatMap(within) : [...packages]
await Promise.all(Array.from({ length: AT_ONCE }, testNext))

async function testNext(): Promise<void> {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await test(name)
}

/** Prints what the tests of a package print once they are over. */
async function test(name: string): Promise<void> {
  const vitest = spawn(node!, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...options], {
    cwd: join(root, name),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err, [status]] = await Promise.all([text(vitest.stdout), text(vitest.stderr), once(vitest, 'exit')])
  console.log(`\n${name}\n${out}${err}`)
  if (status !== 0) process.exitCode = 1
}
