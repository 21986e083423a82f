/**
 * Packs the published packages as a release would, and uses what comes out as a stranger would: linted by publint and attw, installed by
 * npm into a plain project, imported and required there on every Node release this repository is tested on. The packages must be built.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { otherNode, root } from './workspace.ts'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
}

const folder = mkdtempSync(join(tmpdir(), 'countersign-pack-'))
const project = join(folder, 'project')

function run(cwd: string, command: string, ...words: string[]): string {
  const { error, status, stdout } = spawnSync(command, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  if (error !== undefined || status !== 0) throw new Error(`${[command, ...words].join(' ')} failed\n${stdout}`, { cause: error })
  return stdout
}

function check(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`not so: ${promise}`)
  console.log(`ok  ${promise}`)
}

function manifestIn(path: string): Manifest {
  return JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest
}

/** Packs one package and lints the tarball; its path and the manifest inside. */
function pack(path: string): { tarball: string; manifest: Manifest } {
  const into = join(folder, path)
  mkdirSync(into, { recursive: true })
  run(join(root, path), 'pnpm', 'pack', '--pack-destination', into)
  const tarball = join(into, globSync('*.tgz', { cwd: into })[0]!)
  run(into, 'tar', '-xzf', tarball)
  const manifest = manifestIn(join(into, 'package'))
  const { name } = manifest
  check(!/\.\/src\/|workspace:/.test(JSON.stringify(manifest)), `${name} points at what it ships`)
  for (const file of ['README.md', 'LICENSE']) check(existsSync(join(into, 'package', file)), `${name} brings its ${file}`)
  run(root, 'publint', 'run', '--strict', tarball)
  check(true, `${name} passes publint`)
  if (manifest.exports !== undefined) {
    run(root, 'attw', tarball, '--profile', 'esm-only')
    check(true, `${name} passes attw`)
  }
  return { tarball, manifest }
}

/** Imports and requires each entry of a package and compares what both give. */
const load = `
  import { createRequire } from 'node:module'
  const require = createRequire(import.meta.url)
  for (const entry of process.argv.slice(2)) {
    const imported = Object.keys(await import(entry)).sort()
    const required = Object.keys(require(entry)).filter((name) => name !== '__esModule').sort()
    if (imported.length === 0 || imported.join() !== required.join()) throw new Error(entry + ': ' + imported + ' but required: ' + required)
  }
`

try {
  const published = globSync('{packages,apps}/*', { cwd: root }).filter((path) => !manifestIn(join(root, path)).private)
  const packed = published.toSorted().map(pack)
  const core = packed.find(({ manifest }) => manifest.name === '@countersign/core')!
  check(Object.keys(core.manifest.dependencies ?? {}).length === 0, 'core depends on nothing')

  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true }))
  writeFileSync(join(project, 'load.mjs'), load)
  run(
    project,
    'npm',
    'install',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...packed.map(({ tarball }) => tarball),
  )
  check(true, 'npm installs all of them into a plain project')

  const entries = packed.flatMap(({ manifest }) => Object.keys(manifest.exports ?? {}).map((entry) => join(manifest.name, entry)))
  const programs = packed.flatMap(({ manifest }) => Object.keys(manifest.bin ?? {}))
  for (const alias of ['this', 'node24', 'node24floor']) {
    const node = alias === 'this' ? process.execPath : otherNode(alias)
    if (node === undefined) {
      console.log(`skipped: ${alias} is a Node for linux-x64`)
      continue
    }
    const version = run(project, node, '--version').trim()
    run(project, node, 'load.mjs', ...entries)
    check(true, `Node ${version} imports and requires ${entries.join(', ')}`)
    for (const program of programs) {
      const path = join('node_modules/.bin', program)
      const { version: shipped } = packed.find(({ manifest }) => program in (manifest.bin ?? {}))!.manifest
      const said = run(project, node, path, '--version').trim()
      const helped = run(project, node, path, '--help').startsWith('Usage: ')
      check(said === shipped && helped, `Node ${version} runs ${program}, which says its version and helps`)
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}
