import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'

const MODULE = join(import.meta.dirname, '../../src/cli/compiled.ts')

let cache: string

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'countersign-compiled-'))
  onTestFinished(() => rmSync(cache, { recursive: true }))
})

/** Where a program that starts keeps what it compiles. */
function keptIn(env: Readonly<Record<string, string>> = {}): string | undefined {
  const program = `
    import { keepCompiled } from ${JSON.stringify(MODULE)}
    import { getCompileCacheDir } from 'node:module'
    keepCompiled()
    process.stdout.write(getCompileCacheDir() ?? '')`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: cache, XDG_CACHE_HOME: cache, ...env },
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout === '' ? undefined : stdout
}

test('what a program compiles is kept in a folder of its user alone', () => {
  expect(keptIn()?.startsWith(join(cache, 'countersign'))).toBe(true)
  expect(statSync(join(cache, 'countersign')).mode & 0o777).toBe(0o700)
  expect(readdirSync(join(cache, 'countersign'))).toHaveLength(1)
})

test('it is in ~/.cache where XDG_CACHE_HOME is not said', () => {
  expect(keptIn({ XDG_CACHE_HOME: '' })?.startsWith(join(cache, '.cache/countersign'))).toBe(true)
})

test.each([0o770, 0o702])('a folder that others can write, of mode %o, is not used', (mode) => {
  mkdirSync(join(cache, 'countersign'))
  chmodSync(join(cache, 'countersign'), mode)
  expect(keptIn()).toBe(undefined)
})

test('nor is one in a folder that others can write, nor a link to one', () => {
  const own = join(cache, 'own')
  mkdirSync(own, { mode: 0o700 })
  symlinkSync(own, join(cache, 'countersign'))
  expect(keptIn()).toBe(undefined)
  rmSync(join(cache, 'countersign'))
  chmodSync(cache, 0o770)
  expect(keptIn()).toBe(undefined)
  chmodSync(cache, 0o700)
  expect(keptIn()).not.toBe(undefined)
})

test('where it cannot be made, a program starts without', () => {
  writeFileSync(join(cache, 'countersign'), '')
  expect(keptIn()).toBe(undefined)
})

test("the user's own choice stands", () => {
  expect(keptIn({ NODE_COMPILE_CACHE: join(cache, 'own') })?.startsWith(join(cache, 'own'))).toBe(true)
  expect(keptIn({ NODE_DISABLE_COMPILE_CACHE: '1' })).toBe(undefined)
})
