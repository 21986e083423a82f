/**
 * The public surface of each published library, as it stands in the declarations that it ships: one file an entry, in
 * `report/`. Whoever changes what users see changes a report with it, and knows. With --check, says which are out of date.
 *
 * The packages must be built.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import ts from 'typescript'

const root = join(import.meta.dirname, '../..')

const entries: Readonly<Record<string, string>> = {
  '@countersign/core': 'packages/core/dist/index.d.ts',
  '@countersign/core/protocol': 'packages/core/dist/protocol.d.ts',
  '@countersign/keyexchange': 'packages/keyexchange/dist/index.d.ts',
  '@countersign/store': 'packages/store/dist/index.d.ts',
}

const program = ts.createProgram(
  Object.values(entries).map((path) => join(root, path)),
  { target: ts.ScriptTarget.ES2024, module: ts.ModuleKind.NodeNext, types: ['node'], skipLibCheck: true, noEmit: true },
)
const checker = program.getTypeChecker()
const printer = ts.createPrinter({ removeComments: true })

/** The statement that a declaration belongs to: several variables share one. */
function statementOf(declaration: ts.Declaration): ts.Node {
  return ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
}

function resolved(symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

/** What an entry exports, and what of its package that mentions and does not export: declarations by their names. */
function surface(entry: string): Record<'exported' | 'mentioned', Map<string, string>> {
  const source = program.getSourceFile(entry)
  const module = source && checker.getSymbolAtLocation(source)
  if (module === undefined) throw new Error(`${relative(root, entry)} is missing: run pnpm run build`)
  const ownStatements = (symbol: ts.Symbol): ts.Node[] => {
    const statements = (symbol.declarations ?? []).map(statementOf)
    return statements.filter((node) => {
      const { fileName } = node.getSourceFile()
      return ts.isSourceFile(node.parent) && !relative(dirname(entry), fileName).startsWith('..')
    })
  }
  const exported = new Map<string, string>()
  const mentioned = new Map<string, string>()
  const queue: ts.Symbol[] = []
  const visit = (node: ts.Node): void => {
    const symbol = ts.isIdentifier(node) ? checker.getSymbolAtLocation(node) : undefined
    if (symbol !== undefined) queue.push(resolved(symbol))
    ts.forEachChild(node, visit)
  }
  const print = (symbol: ts.Symbol): string => {
    const statements = ownStatements(symbol)
    for (const statement of statements) visit(statement)
    const texts = statements.map((node) => printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile()))
    return texts.map((text) => text.replace(/^(export )?(declare )?/, '')).join('\n')
  }

  const exports = checker.getExportsOfModule(module)
  const seen = new Set(exports.map(resolved))
  for (const symbol of exports) exported.set(symbol.name, print(resolved(symbol)))
  for (let symbol = queue.pop(); symbol !== undefined; symbol = queue.pop()) {
    if (seen.has(symbol) || ownStatements(symbol).length === 0) continue
    seen.add(symbol)
    mentioned.set(symbol.name, print(symbol))
  }
  return { exported, mentioned }
}

function block(declarations: Map<string, string>): string[] {
  const sorted = [...declarations].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return ['```ts', sorted.map(([, text]) => text).join('\n\n'), '```', '']
}

function report(name: string, entry: string): string {
  const { exported, mentioned } = surface(entry)
  return [
    `# ${name}`,
    '',
    `What \`${name}\` exports. Made by \`pnpm run api\`; a change here is a change for users, and needs a changeset.`,
    '',
    ...block(exported),
    ...(mentioned.size > 0 ? ['Mentioned there, and not exported:', '', ...block(mentioned)] : []),
  ].join('\n')
}

const { values } = parseArgs({ options: { check: { type: 'boolean' } } })
const folder = join(import.meta.dirname, 'report')
mkdirSync(folder, { recursive: true })

for (const [name, path] of Object.entries(entries)) {
  const file = join(folder, `${name.replace('@countersign/', '').replace('/', '-')}.md`)
  const text = report(name, join(root, path))
  if (!values.check) writeFileSync(file, text)
  else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    console.error(`error: ${relative(root, file)} does not say what ${name} exports\nhint: run pnpm run api, and pnpm changeset`)
    process.exitCode = 1
  }
}
