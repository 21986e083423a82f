/**
 * `node ../../scripts/bundle.ts [THREAD...]`, in a package's folder: its modules as few files in dist, because Node looks for,
 * reads and links each file by itself, and a program of many small ones starts late.
 *
 * Entries are what the published manifest names. What is installed beside the package stays outside. A package that is a program
 * alone has inside what it uses of this repository's packages, and of the few others that every start would read, and nothing else
 * of them: each command in a file of its own, and in one more all that several commands use. Each THREAD is a module that a thread
 * starts with: one file, with what it uses of this repository's packages inside.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, isAbsolute, join } from 'node:path'
import { build, type Plugin } from 'rolldown'

interface Manifest {
  readonly publishConfig: {
    readonly bin?: Readonly<Record<string, string>>
    readonly exports?: Readonly<Record<string, { readonly default: string }>>
  }
  readonly dependencies?: Readonly<Record<string, string>>
}

const { publishConfig, dependencies = {} } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest
const program = publishConfig.exports === undefined
const files = [
  ...Object.values(publishConfig.bin ?? {}),
  ...Object.values(publishConfig.exports ?? {}).map((entry) => entry.default),
]
const named = files.map((file) => /^\.\/dist\/(.*)\.js$/.exec(file)![1]!)

/** What programs have inside that is not of this repository: every start would read it. */
const INSIDE = ['commander', '@scure/bip39']

/** The last touch to each file. */
const finish: Plugin = {
  name: 'finish',
  generateBundle(_, files) {
    for (const file of Object.values(files)) {
      if (file.type === 'chunk') file.code = inAscii(program ? withoutFacades(file.code) : file.code)
    }
  },
}

/** An import of a module of Node's has Node read everything that it exports, and load what is there to be loaded late. */
function withoutFacades(code: string): string {
  return code.replace(/^import ([\w$]+)?(?:, )?(\{.*\})? from "(node:.*)";$/gm, (_, whole, parts, id) => {
    const names = [whole, parts?.replaceAll(' as ', ': ')].filter((name) => name !== undefined)
    return `const ${names.map((name) => `${name} = process.getBuiltinModule("${id}")`).join(', ')};`
  })
}

/** One character beyond ASCII, in a text as it may be, has V8 hold a whole file at two bytes a character. */
function inAscii(code: string): string {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** @returns which packages it has inside that are not of this repository, and which it uses that are outside */
async function bundle(
  input: Record<string, string>,
  external: (id: string) => boolean,
): Promise<{ readonly within: readonly string[]; readonly used: ReadonlySet<string> }> {
  const { output } = await build({
    input,
    external,
    platform: 'node',
    plugins: [finish],
    logLevel: 'warn',
    treeshake: { moduleSideEffects: false },
    // What one command loads late another may need at once, or a program have in the file of what is shared.
    checks: { ineffectiveDynamicImport: false },
    output: {
      dir: 'dist',
      format: 'esm',
      entryFileNames: '[name].js',
      chunkFileNames: '[name]-[hash].js',
      ...(program && { codeSplitting: { groups: [{ name: 'shared', minShareCount: 2 }] } }),
    },
  })
  const chunks = output.filter((file) => file.type === 'chunk')
  const own = new Set(chunks.map(({ fileName }) => fileName))
  const used = chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports])
  const modules = chunks.flatMap(({ moduleIds }) => moduleIds)
  return {
    within: INSIDE.filter((name) => modules.some((id) => id.includes(`/node_modules/${name}/`))),
    used: new Set(used.filter((id) => !own.has(id) && !id.startsWith('node:')).map(packageOf)),
  }
}

function packageOf(id: string): string {
  return id
    .split('/')
    .slice(0, id.startsWith('@') ? 2 : 1)
    .join('/')
}

function licenseOf(name: string): string {
  const [folder] = globSync(`../../{apps,packages}/*/node_modules/${name}`)
  return readFileSync(join(folder!, 'LICENSE'), 'utf8')
}

function outside(id: string): boolean {
  return (
    !id.startsWith('.') && !isAbsolute(id) && !(program && (id.startsWith('@countersign/') || INSIDE.includes(packageOf(id))))
  )
}

const { within, used } = await bundle(Object.fromEntries(named.map((name) => [name, `src/${name}.ts`])), outside)
if (program) {
  // What the packages inside use has to be installed with the program, and nothing else.
  const wrong = used.symmetricDifference(new Set(Object.keys(dependencies)))
  if (wrong.size > 0) throw new Error(`used or a dependency, and not both: ${[...wrong].join(', ')}`)
  const texts = within.map((name) => `${name}\n\n${licenseOf(name)}`)
  writeFileSync('dist/LICENSES', texts.join('\n\n'))
}
for (const thread of process.argv.slice(2)) {
  await bundle({ [basename(thread, '.ts')]: thread }, (id) => id.startsWith('node:'))
}
