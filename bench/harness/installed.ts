/** Our programs as a user has them: built, packed, and installed by npm into a folder of their own. */
import { execFileSync } from 'node:child_process'
import { globSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** @returns where each program's main file is */
export function installPrograms(root: string, folder: string): Record<'keys' | 'server' | 'client', string> {
  const run = (cwd: string, program: string, ...words: string[]): void => {
    execFileSync(program, words, { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  const tarballs = join(folder, 'tarballs')
  const project = join(folder, 'project')
  mkdirSync(tarballs)
  mkdirSync(project)
  run(root, 'pnpm', 'run', 'build')
  for (const path of [
    'packages/core',
    'packages/store',
    'packages/keyexchange',
    'packages/mailbox',
    'apps/client',
    'apps/server',
  ]) {
    run(join(root, path), 'pnpm', 'pack', '--pack-destination', tarballs)
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true }))
  const packed = globSync('*.tgz', { cwd: tarballs }).map((name) => join(tarballs, name))
  run(project, 'npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', ...packed)
  const main = (name: string): string => join(project, 'node_modules/@countersign', name, 'dist/main.js')
  return { keys: main('keyexchange'), server: main('server'), client: main('client') }
}
