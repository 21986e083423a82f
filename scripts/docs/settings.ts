/** The table of the server's settings in docs/OPERATIONS.md, as the server itself lists them. */
import { run, Sandbox } from '@countersign/testing'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../workspace.ts'

/** What `countersign-server settings --json` says of one. */
interface Row {
  readonly name: string
  readonly flag: string
  readonly variable: string
  readonly is: string
  readonly default?: string | number | boolean
  readonly does: string
  readonly reloads: boolean
}

const BEGIN = '<!-- Made by `pnpm run docs` from apps/server/src/settings/table.ts. -->'
const END = '<!-- /Made -->'

/** The page with the table as it is now. @throws Error where it has no place for one */
export async function operationsDocument(): Promise<string> {
  const page = readFileSync(join(root, 'docs/OPERATIONS.md'), 'utf8')
  const [before, rest = ''] = page.split(BEGIN)
  const [, after] = rest.split(END)
  if (after === undefined) throw new Error('docs/OPERATIONS.md has no place for the table of settings')
  return `${before}${BEGIN}\n\n${await table()}\n\n${END}${after}`
}

async function table(): Promise<string> {
  await using sandbox = new Sandbox()
  const { status, stdout, stderr } = await run('server', ['settings', '--json'], { root: sandbox.folder })
  if (status !== 0) throw new Error(stderr)
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)
  return [
    '| in the file | flag | variable | value | default | what it does | reloads |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(rowOf),
  ].join('\n')
}

function rowOf({ name, flag, variable, is, default: standard, does, reloads }: Row): string {
  const shown = standard === undefined ? '' : `\`${standard}\``
  return `| \`${name}\` | \`${flag}\` | \`${variable}\` | ${is} | ${shown} | ${does} | ${reloads ? 'yes' : ''} |`
}
