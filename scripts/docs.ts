/** Writes the documents that are made from code; with --check, says which of them are out of date instead. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { errorsDocument } from './docs/errors.ts'
import { operationsDocument } from './docs/settings.ts'
import { root } from './workspace.ts'

const documents: Record<string, string> = {
  'docs/ERRORS.md': errorsDocument(),
  'docs/OPERATIONS.md': await operationsDocument(),
}
const { values } = parseArgs({ options: { check: { type: 'boolean' } } })

for (const [name, text] of Object.entries(documents)) {
  const path = join(root, name)
  if (!values.check) writeFileSync(path, text)
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    console.error(`error: ${name} does not say what the code says\nhint: run pnpm run docs`)
    process.exitCode = 1
  }
}
