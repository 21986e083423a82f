/**
 * Publishes what the registry does not have yet: packs every public package as it is shipped, with a software bill of
 * materials (CycloneDX) beside it, and gives the tarballs to npm.
 *
 *     pnpm run release [--provenance] [--repository URL]
 *
 * The packages must be built. npm's own configuration says to which registry, and as whom. With --provenance npm attests
 * where they were built, for which the manifests have to name the repository: --repository writes that into them.
 */
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'

/** Where the workspace is: a rehearsal publishes a copy of it. */
const root = process.cwd()

interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
}

interface Package extends Manifest {
  readonly folder: string
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** The public packages, each behind those that it depends on. */
function publicPackages(): Package[] {
  const folders = globSync('{packages,apps}/*', { cwd: root }).map((path) => join(root, path))
  const left = folders.map((folder) => ({ folder, ...manifestOf(folder) })).filter((one) => one.private !== true)
  const sorted: Package[] = []
  while (left.length > 0) {
    const ready = left.findIndex(({ dependencies = {} }) => left.every(({ name }) => !(name in dependencies)))
    if (ready < 0) throw new Error('the packages depend on each other in a circle')
    sorted.push(...left.splice(ready, 1))
  }
  return sorted
}

function call(cwd: string, command: string, ...words: string[]): string {
  return execFileSync(command, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Whether the registry has this version already: a release that was cut off goes on where it stopped. */
function isPublished({ name, version }: Manifest): boolean {
  try {
    return call(root, 'npm', 'view', `${name}@${version}`, 'version', '--loglevel=silent').trim() === version
  } catch {
    return false
  }
}

const { values } = parseArgs({
  options: { out: { type: 'string' }, provenance: { type: 'boolean' }, repository: { type: 'string' } },
})
if (values.out === undefined) throw new Error('--out FOLDER says where the tarballs go')
const out = join(root, values.out)
mkdirSync(out, { recursive: true })
if (globSync('.changeset/*.md', { cwd: root }).length > 0)
  throw new Error('changesets are left: run `pnpm changeset version` first')

for (const one of publicPackages()) {
  const { name, version, folder } = one
  if (isPublished(one)) {
    console.log(`${name}@${version} is there already`)
    continue
  }
  if (values.repository !== undefined) {
    const repository = { type: 'git', url: values.repository, directory: relative(root, folder) }
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifestOf(folder), repository }, undefined, 2))
  }
  const base = `${name.replace('@', '').replace('/', '-')}-${version}`
  call(folder, 'pnpm', 'pack', '--pack-destination', out)
  call(root, 'pnpm', '--filter', name, 'sbom', '--prod', '--sbom-format', 'cyclonedx', '--out', join(out, `${base}.cdx.json`))
  const provenance = values.provenance ? ['--provenance'] : []
  call(root, 'npm', 'publish', join(out, `${base}.tgz`), '--access', 'public', ...provenance)
  console.log(`${name}@${version} is published`)
}
