/** Writes the documents that are made from code; with --check, says which of them are out of date instead. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ERRORS } from '@countersign/core'
import type { Fault } from '@countersign/core'
import { root } from './workspace.ts'

const faults: Record<Fault, string> = {
  local: 'This side: its caller, its configuration or its disk (`LocalError`).',
  peer: 'The peer, or whoever answers in its place (`PeerError`).',
  network: 'What lies between the two (`NetworkError`).',
}

function errors(): string {
  const sections = Object.entries(faults).map(([fault, who]) => {
    const rows = Object.entries(ERRORS).filter(([, row]) => row.fault === fault)
    return [
      `## ${fault}`,
      '',
      who,
      '',
      '| code | message |',
      '| --- | --- |',
      ...rows.map(([code, { message }]) => `| \`${code}\` | ${message} |`),
      '',
    ]
  })
  const head = ['# Errors', '', '<!-- Made by `pnpm run docs` from packages/core/src/errors.ts. -->', '']
  const text =
    'Every error of @countersign/core is a `CountersignError` with one of these codes. A code never changes its meaning; what a message says may.'
  return [...head, text, '', ...sections.flat()].join('\n')
}

const documents: Record<string, string> = { 'docs/ERRORS.md': errors() }
const { values } = parseArgs({ options: { check: { type: 'boolean' } } })

for (const [name, text] of Object.entries(documents)) {
  const path = join(root, name)
  if (!values.check) writeFileSync(path, text)
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    console.error(`error: ${name} does not say what the code says\nhint: run pnpm run docs`)
    process.exitCode = 1
  }
}
