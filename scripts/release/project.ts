/** A stranger's project: the libraries come from the registry, by npm, and are used as its own code would use them. */
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { holds, run, step } from './steps.ts'
import type { Rehearsal } from './rehearse.ts'

const LIBRARIES = ['@countersign/core', '@countersign/store', '@countersign/keyexchange']
const ENTRIES = [...LIBRARIES, '@countersign/core/protocol']

/** Imports and requires each entry, and says what differs. */
const LOAD = `
import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
for (const entry of process.argv.slice(2)) {
  const imported = await import(entry)
  const required = require(entry)
  const names = Object.keys(imported)
  if (names.length === 0 || names.some((name) => required[name] !== imported[name])) throw new Error(entry + ' is not the same both ways')
}
console.log('loaded')
`

/** Installs the libraries and uses them on one release of Node. */
export async function useLibraries({ folder, root, env }: Rehearsal, node: string, version: string): Promise<string> {
  const cwd = join(folder, `project-${version}`)
  const at = { cwd, env: { ...env, PATH: `${dirname(node)}:${env['PATH']}` } }
  await mkdir(cwd)
  await writeFile(join(cwd, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }))
  await writeFile(join(cwd, 'load.js'), LOAD)
  await step(`Node ${version}: npm installs the libraries into a plain project`, async () => {
    await run(at, 'npm', 'install', '--engine-strict', '--no-audit', '--no-fund', ...LIBRARIES, '@types/node@26')
  })
  await step(`Node ${version}: each entry can be imported and required`, async () => {
    holds((await run(at, node, 'load.js', ...ENTRIES)) === 'loaded\n', 'they load')
  })
  const expected = { 'hello.ts': 'bob has signed that', 'durable.ts': 'bob: 3 is "third"' }
  await step(`Node ${version}: ${Object.keys(expected).join(' and ')} run there`, async () => {
    for (const [example, said] of Object.entries(expected)) {
      await copyFile(join(root, 'examples', example), join(cwd, example))
      holds((await run(at, node, example)).includes(said), `${example} says "${said}"`)
    }
  })
  return cwd
}

/** Has the examples checked by compilers other than ours, as a project with either way of resolving would. */
export async function checkTypes({ compilers, env }: Rehearsal, cwd: string): Promise<void> {
  await mkdir(join(cwd, 'compilers'))
  for (const [name, path] of Object.entries(compilers)) {
    await symlink(path, join(cwd, 'compilers', name))
    for (const [moduleResolution, module] of [
      ['nodenext', 'nodenext'],
      ['bundler', 'esnext'],
    ] as const) {
      await step(`${name}, ${moduleResolution}: the types hold`, async () => {
        const options = { module, moduleResolution, target: 'es2024', lib: ['es2024', 'esnext.disposable'], types: ['node'] }
        const compilerOptions = { ...options, strict: true, noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true }
        await writeFile(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['hello.ts', 'durable.ts'] }))
        await run({ cwd, env }, process.execPath, join(cwd, 'compilers', name, 'bin/tsc'))
      })
    }
  }
}
