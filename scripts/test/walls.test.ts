/** The walls between core's layers and between the packages: each is planted with what it must stop, and with what it must let pass. */
import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
let folder: string

function makeFolder(): void {
  folder = mkdtempSync(join(tmpdir(), 'countersign-walls-'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
}

function plant(path: string, content: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), content)
}

/** Runs a tool of the repository in the temporary folder; its output, whatever its exit status. */
function tool(name: string, ...words: string[]): string {
  const { stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', name), words, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', TURBO_TELEMETRY_DISABLED: '1' },
  })
  return stdout + stderr
}

describe('inside core', () => {
  const layers = ['bytes', 'errors', 'crypto', 'wire', 'handshake', 'session', 'delivery', 'node']

  /** What a file may say, and the layers it may say it in. */
  const rules: [code: string, layers: string][] = [
    ["export { a } from '../bytes.ts'", 'bytes crypto wire handshake session delivery node'],
    ["export { a } from '../errors.ts'", 'errors crypto wire handshake session delivery node'],
    ["export { a } from '../crypto/hash.ts'", 'crypto handshake session delivery node'],
    ["export { a } from '../wire/codec.ts'", 'wire handshake session delivery node'],
    ["export { a } from '../handshake/client.ts'", 'handshake session delivery node'],
    ["export { a } from '../session/session.ts'", 'session delivery node'],
    ["export { a } from '../delivery/sender.ts'", 'delivery node'],
    ["export { a } from '../node/connect.ts'", 'node'],
    ["export { a } from '../index.ts'", ''],
    ["export { a } from '../protocol.ts'", ''],
    ["import { a } from 'node:crypto'; export const b = a", 'crypto'],
    ["import { a } from 'node:net'; export const b = a", 'node'],
    ["import { a } from 'node:timers'; export const b = a", 'node'],
    ["import type { A } from 'node:fs'; export type B = A", 'node'],
    ['export const a = (): unknown => Date.now()', 'node'],
    ['export const a = (): unknown => setTimeout(() => {}, 1)', 'node'],
    ['export const a = (): unknown => process.env', 'node'],
    ["export const a = (): unknown => console.log('')", 'node'],
    ['export const a = (): unknown => crypto.subtle', 'node'],
    ['export const a = (): unknown => Math.random()', 'node'],
    ['export const a = (): unknown => AbortSignal.timeout(1)', 'node'],
  ]
  let refused: ReadonlySet<string>
  const planted = (layer: string, rule: number): string => `packages/core/src/${layer}/planted-${rule}.ts`

  beforeAll(() => {
    makeFolder()
    // The walls need no types, and the planted files belong to no program that has any.
    plant('oxlint.config.ts', readFileSync(join(root, 'oxlint.config.ts'), 'utf8').replace('typeAware: true', 'typeAware: false'))
    for (const [i, [code]] of rules.entries()) for (const layer of layers) plant(planted(layer, i), code)
    plant('packages/core/src/bytes.ts', "export { a } from './crypto/hash.ts'")
    const { diagnostics } = JSON.parse(tool('oxlint', '--format', 'json', 'packages')) as {
      diagnostics: { code: string; filename: string }[]
    }
    refused = new Set(diagnostics.filter(({ code }) => code.includes('no-restricted')).map(({ filename }) => filename))
  })

  afterAll(() => rmSync(folder, { recursive: true }))

  test.each(rules.map(([code, allowed], i) => ({ code, allowed, i })))(
    '"$code" stands nowhere but in: $allowed',
    ({ allowed, i }) => {
      expect(layers.filter((layer) => !refused.has(planted(layer, i))).join(' ')).toBe(allowed)
    },
  )

  test('a layer of one file has the walls of a folder', () => {
    expect(refused).toContain('packages/core/src/bytes.ts')
  })

  test('every file stands in a layer, says all its imports at its top, and makes no date of now', () => {
    const files = globSync('**/*.ts', { cwd: join(root, 'packages/core/src') })
    expect(files).toContain('bytes.ts')
    for (const file of files) {
      const [top] = file.split('/')
      expect(['index', 'protocol', ...layers], file).toContain(basename(top!, '.ts'))
      expect(readFileSync(join(root, 'packages/core/src', file), 'utf8'), file).not.toMatch(
        /\bimport\(|\brequire\(|getBuiltinModule|new Date\(\)/,
      )
    }
  })
})

describe('between the packages', () => {
  const packages = globSync('{packages,apps}/*', { cwd: root }).concat('scripts')

  beforeEach(() => {
    makeFolder()
    for (const file of ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', 'turbo.json'])
      cpSync(join(root, file), join(folder, file))
    for (const name of packages) {
      for (const file of globSync(join(name, '{package,turbo}.json'), { cwd: root }))
        plant(file, readFileSync(join(root, file), 'utf8'))
    }
  })

  afterEach(() => rmSync(folder, { recursive: true }))

  function depend(path: string, name: string): void {
    const manifest = JSON.parse(readFileSync(join(folder, path, 'package.json'), 'utf8')) as { dependencies?: object }
    const changed = { ...manifest, dependencies: { ...manifest.dependencies, [name]: 'workspace:^' } }
    plant(join(path, 'package.json'), JSON.stringify(changed))
  }

  test('they hold as declared', () => {
    expect(tool('turbo', 'boundaries')).toContain('no issues found')
  })

  test.each([
    ['packages/core', '@countersign/store'],
    ['packages/core', '@countersign/keyexchange'],
    ['packages/store', '@countersign/keyexchange'],
    ['packages/keyexchange', '@countersign/store'],
    ['packages/store', '@countersign/server'],
    ['packages/keyexchange', '@countersign/mailbox'],
    ['packages/mailbox', '@countersign/client'],
    ['apps/server', '@countersign/client'],
    ['apps/client', '@countersign/server'],
  ])('%s may not depend on %s', (from, to) => {
    depend(from, to)
    expect(tool('turbo', 'boundaries').replaceAll(/\s+\|?\s*/g, ' ')).toContain(
      `Package \`${to}\` found without any tag listed in allowlist`,
    )
  })

  test.each(["import '@countersign/store'", "await import('left-pad')", "export * from '../../store/src/index.ts'"])(
    'core may not say: %s',
    (code) => {
      plant('packages/core/src/planted.ts', code)
      expect(tool('turbo', 'boundaries')).toContain('1 issue found')
    },
  )
})
