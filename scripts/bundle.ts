/**
 * `node ../../scripts/bundle.ts [THREAD...]`, in a package's folder: its modules as few files in dist, because Node looks for,
 * reads and links each file by itself, and a program of many small ones starts late.
 *
 * Entries are what the published manifest names; what is installed beside the package stays outside. Each THREAD is a module
 * of src that a thread starts with: one file, with what it uses of this repository's packages inside and nothing else of them.
 */
import { readFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { build } from 'rolldown'

interface Manifest {
  readonly publishConfig: {
    readonly bin?: Readonly<Record<string, string>>
    readonly exports?: Readonly<Record<string, { readonly default: string }>>
  }
}

const { publishConfig } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
const files = [
  ...Object.values(publishConfig.bin ?? {}),
  ...Object.values(publishConfig.exports ?? {}).map((entry) => entry.default),
]
const named = files.map((file) => /^\.\/dist\/(.*)\.js$/.exec(file)![1]!)
const entries = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, `src/${name}.ts`]))

async function bundle(input: Record<string, string>, external: (id: string) => boolean): Promise<void> {
  await build({
    input,
    external,
    platform: 'node',
    logLevel: 'warn',
    treeshake: { moduleSideEffects: false },
    output: { dir: 'dist', format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
  })
}

await bundle(entries(named), (id) => !id.startsWith('.') && !isAbsolute(id))
for (const thread of process.argv.slice(2)) await bundle(entries([thread]), (id) => id.startsWith('node:'))
