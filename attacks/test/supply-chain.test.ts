/** What is installed is what was locked, and runs nothing while it is installed. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

function text(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

function manifest(file: string): Record<string, Record<string, string> | undefined> {
  return JSON.parse(text(file)) as Record<string, Record<string, string> | undefined>
}

test('every package in the lockfile is held to a SHA-512 hash', () => {
  const resolutions = text('pnpm-lock.yaml')
    .split('\n')
    .filter((line) => line.includes('resolution:'))
  expect(resolutions.length).toBeGreaterThan(100)
  expect(resolutions.filter((line) => !/resolution: \{integrity: sha512-[A-Za-z0-9+/]{86}==/.test(line))).toEqual([])
})

test('no install script of a dependency is allowed to run, and none of ours exists', () => {
  const [, allowed = ''] = /^allowBuilds:\n((?: .*\n)*)/m.exec(text('pnpm-workspace.yaml')) ?? []
  expect(allowed.split('\n').filter((line) => line !== '' && !line.endsWith(': false'))).toEqual([])
  expect(text('pnpm-workspace.yaml')).not.toMatch(/onlyBuiltDependencies|dangerouslyAllowAllBuilds/)
  for (const file of globSync('{package.json,{packages,apps}/*/package.json,{attacks,bench,scripts}/package.json}', {
    cwd: root,
  })) {
    const names = Object.keys(manifest(file)['scripts'] ?? {})
    expect(
      names.filter((name) => /^(pre|post)?(install|prepare)$/.test(name)),
      file,
    ).toEqual([])
  }
})

test('core needs nothing at run time', () => {
  const { dependencies, peerDependencies, optionalDependencies } = manifest('packages/core/package.json')
  expect([dependencies, peerDependencies, optionalDependencies]).toEqual([undefined, undefined, undefined])
})
