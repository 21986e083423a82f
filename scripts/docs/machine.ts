/** A machine of a story: a home of its own, a clone of this repository in it, and terminals. */
import { startLineInTerminal, type Running } from '@countersign/testing'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../workspace.ts'

/** Where a page says that its machine's home is */
const HOME = '/home/me'

/** What is installed on every machine of a story: the programs of this repository, and those who start its scripts. */
export function installPrograms(folder: string): void {
  mkdirSync(folder)
  const programs = {
    'countersign-keys': 'packages/keyexchange/src/main.ts',
    'countersign-server': 'apps/server/src/main.ts',
    'countersign-client': 'apps/client/src/main.ts',
  }
  const write = (name: string, line: string): void => writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 })
  for (const [name, path] of Object.entries(programs)) write(name, `exec node '${join(root, path)}' "$@"`)
  write('pnpm', 'script=$1; shift; npm_lifecycle_event=$script exec node --run "$script" -- "$@"')
  write('npx', 'while [ "${1#-}" != "$1" ]; do shift; done; shift; exec pnpm "$@"')
}

export class Machine {
  readonly #home: string
  /** A file that names the folder where its shells are */
  readonly #folder: string
  readonly #programs: string

  constructor(home: string, programs: string) {
    this.#home = home
    this.#folder = `${home}.folder`
    this.#programs = programs
    const clone = join(home, 'countersign')
    mkdirSync(clone, { recursive: true, mode: 0o700 })
    writeFileSync(this.#folder, clone)
    for (const name of readdirSync(root)) {
      if (name !== 'keys' && !name.startsWith('.')) symlinkSync(join(root, name), join(clone, name))
    }
  }

  /** Starts a command in the folder where the one before has left off. */
  start(command: string): Running {
    const env = {
      FOLDER: this.#folder,
      HOME: this.#home,
      LANG: 'C.UTF-8',
      NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compile'),
      NO_COLOR: '1',
      PATH: [this.#programs, dirname(process.execPath), process.env['PATH']].join(':'),
      SHELL: '/bin/sh',
      TERM: 'xterm',
    }
    const line = `cd "$(cat "$FOLDER")"; HERE=$PWD; trap '[ "$PWD" = "$HERE" ] || pwd > "$FOLDER"' EXIT\n${command}`
    return startLineInTerminal(line, { cwd: this.#home, env })
  }

  /** What it printed, as a page would show it. */
  asShown(lines: readonly string[]): string[] {
    return lines.map((line) => line.replaceAll(this.#home, HOME))
  }
}
