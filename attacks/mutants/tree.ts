/** A copy of the repository to break, with the installed packages of the original. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

const repository = join(import.meta.dirname, '../..')

export class Tree implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'countersign-mutants-'))

  constructor() {
    const { stdout } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: repository,
      encoding: 'utf8',
    })
    for (const file of stdout.split('\0').filter((file) => file !== '' && existsSync(join(repository, file)))) {
      mkdirSync(dirname(join(this.folder, file)), { recursive: true })
      cpSync(join(repository, file), join(this.folder, file))
    }
    symlinkSync(join(repository, 'node_modules'), join(this.folder, 'node_modules'))
    // Links between the packages are relative: in the copy they lead to the copy.
    for (const name of globSync('{packages,apps}/*/node_modules', { cwd: repository }).concat('attacks/node_modules')) {
      const filter = (path: string): boolean => !basename(path).startsWith('.')
      cpSync(join(repository, name), join(this.folder, name), { verbatimSymlinks: true, recursive: true, filter })
    }
  }

  path(file: string): string {
    return join(this.folder, file)
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
