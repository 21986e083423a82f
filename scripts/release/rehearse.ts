/**
 * Rehearses a release on a registry of its own on loopback: versions, builds and publishes a copy of what is committed, then
 * uses it as strangers would. Nothing leaves this machine, and nothing of it stays.
 *
 *     pnpm run release:rehearse
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { installPrograms, usePrograms } from './programs.ts'
import { checkTypes, useLibraries } from './project.ts'
import { startRegistry } from './registry.ts'
import { holds, run, step } from './steps.ts'

/** What the steps share. */
export interface Rehearsal {
  /** For everything that they make. */
  readonly folder: string
  /** The copy of the repository. */
  readonly root: string
  /** npm, and whatever it starts, talks to our registry. */
  readonly env: Readonly<Record<string, string>>
  /** Folders of compilers, by what they are called. */
  readonly compilers: Readonly<Record<string, string>>
}

const repository = join(import.meta.dirname, '../..')
const require = createRequire(import.meta.url)

/** The releases of Node that are promised, and are here: this one, and those of the root's package.json. */
function nodes(): string[] {
  const aliases = ['node24', 'node24floor'].map((alias) => join(repository, 'node_modules', alias, 'bin/node'))
  return [process.execPath, ...aliases.filter((path) => existsSync(path))]
}

async function rehearse(folder: string): Promise<void> {
  const root = join(folder, 'repository')
  const environment = process.env as Record<string, string>
  const here = { cwd: repository, env: environment }
  const copy = { cwd: root, env: environment }
  if ((await run(here, 'git', 'status', '--porcelain')) !== '') console.log('what is not committed is left out')

  await step('a copy of what is committed, with what it stands on', async () => {
    await run(here, 'git', 'clone', '--quiet', repository, root)
    await run(copy, 'pnpm', 'install', '--frozen-lockfile', '--prefer-offline')
  })

  const manifests = (): { name: string; version: string; private?: boolean }[] => {
    const paths = globSync('{packages,apps}/*/package.json', { cwd: root }).toSorted()
    return paths.map((path) => JSON.parse(readFileSync(join(root, path), 'utf8'))).filter((one) => one.private !== true)
  }
  const before = manifests()
  await step('changesets become versions and changelogs', async () => {
    const pending = globSync('.changeset/*.md', { cwd: root }).length
    await run(copy, 'pnpm', 'exec', 'changeset', 'version')
    holds(globSync('.changeset/*.md', { cwd: root }).length === 0, 'none is left')
    const raised = manifests().filter(({ version }, i) => version !== before[i]!.version)
    holds(raised.length > 0 === pending > 0, 'versions are raised where something has changed')
    for (const { name, version } of raised) {
      const path = globSync(`*/${name.replace('@countersign/', '')}/CHANGELOG.md`, { cwd: root })[0]
      holds(path !== undefined && readFileSync(join(root, path), 'utf8').includes(`## ${version}\n`), `the changelog of ${name}`)
    }
  })
  console.log(
    `        ${manifests()
      .map(({ name, version }) => `${name}@${version}`)
      .join('  ')}`,
  )

  await step('all packages are built', () => run(copy, 'pnpm', 'run', 'build'))

  const upstream = (await run({ cwd: tmpdir(), env: environment }, 'npm', 'config', 'get', 'registry')).trim()
  await using registry = await step('a registry listens on loopback', () => startRegistry(join(folder, 'registry'), upstream))
  const env = {
    ...environment,
    npm_config_userconfig: registry.npmrc,
    npm_config_cache: join(folder, 'cache'),
    npm_config_registry: registry.url,
  }

  const publish = ['pnpm', 'run', 'release'] as const
  await step('packed, with a bill of materials each, and published', async () => {
    await run({ cwd: root, env }, ...publish)
    for (const { name, version } of manifests()) {
      const view = await run({ cwd: folder, env }, 'npm', 'view', `${name}@${version}`, 'dist.integrity')
      holds(view.startsWith('sha512-'), `${name}@${version} is there`)
      const base = `${name.replace('@', '').replace('/', '-')}-${version}`
      const bill = JSON.parse(readFileSync(join(root, 'dist/release', `${base}.cdx.json`), 'utf8'))
      holds(bill.bomFormat === 'CycloneDX' && bill.metadata.component.version === version, `the bill of materials of ${name}`)
    }
  })
  await step('published once more, nothing is', async () => {
    const again = await run({ cwd: root, env }, ...publish)
    holds(again.match(/is there already$/gm)?.length === manifests().length && !again.includes('is published'), 'all are there')
  })

  const compilers = {
    'TypeScript 5.9': dirname(require.resolve('typescript5/package.json')),
    'TypeScript 7': dirname(require.resolve('typescript/package.json')),
  }
  const rehearsal: Rehearsal = { folder, root, env, compilers }
  const prefix = await installPrograms(rehearsal)
  for (const [i, node] of nodes().entries()) {
    const version = (await run({ cwd: folder, env }, node, '--version')).trim().slice(1)
    const project = await useLibraries(rehearsal, node, version)
    if (i === 0) await checkTypes(rehearsal, project)
    await usePrograms(rehearsal, prefix, node, version)
  }
}

const began = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'countersign-release-'))
try {
  await rehearse(folder)
  console.log(`the release can be made; rehearsed in ${((performance.now() - began) / 1000).toFixed(0)} s`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  await rm(folder, { recursive: true, force: true })
}
