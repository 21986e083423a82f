/** Another commit of this repository, checked out beside it. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class Worktree implements Disposable {
  readonly root: string
  readonly #parent: string
  readonly #repository: string

  /** Checks a revision out and installs what it needs, as its own lockfile says. */
  constructor(repository: string, revision: string) {
    this.#repository = repository
    this.#parent = mkdtempSync(join(tmpdir(), 'bench-against-'))
    this.root = join(this.#parent, 'checkout')
    execFileSync('git', ['-C', repository, 'worktree', 'add', '--detach', this.root, revision], { stdio: 'ignore' })
    execFileSync('pnpm', ['install', '--frozen-lockfile', '--prefer-offline'], { cwd: this.root, stdio: 'ignore' })
  }

  [Symbol.dispose](): void {
    execFileSync('git', ['-C', this.#repository, 'worktree', 'remove', '--force', this.root], { stdio: 'ignore' })
    rmSync(this.#parent, { recursive: true, force: true })
  }
}
