/** Programs of this repository as child processes. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'

const repository = join(import.meta.dirname, '../../..')

/** What Node made of the sources the last time: programs start in a third of the time. */
const compiled = join(repository, 'node_modules/.cache/compile')

export type Program = 'keys' | 'server' | 'client'

const PROGRAMS: Readonly<Record<Program, string>> = {
  keys: join(repository, 'packages/keyexchange/src/main.ts'),
  server: join(repository, 'apps/server/src/main.ts'),
  client: join(repository, 'apps/client/src/main.ts'),
}

export interface RunOptions {
  /** The root of its homes */
  readonly root: string
  /** Standard input; empty where it is not said */
  readonly input?: string | Uint8Array
  /** Beside what every program gets */
  readonly env?: Readonly<Record<string, string>>
  /** Where it runs; the repository where it is not said */
  readonly cwd?: string
}

/** How a program ended. */
export interface Outcome {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts a program; its standard input stays open for `write`. */
export function start(program: Program, words: readonly string[], { root, env, cwd }: Omit<RunOptions, 'input'>): Running {
  const child = spawn(process.execPath, [PROGRAMS[program], ...words], {
    cwd: cwd ?? repository,
    env: environment(root, env),
  })
  return new Running(child)
}

/** Whether this machine can give a program a terminal: util-linux's `script` does. */
export function hasTerminals(): boolean {
  const { status, stdout } = spawnSync('script', ['--version'], { encoding: 'utf8' })
  return status === 0 && stdout.includes('util-linux')
}

/** Starts a program in a terminal, where `write` types and `stdout` is all that is shown. */
export function startInTerminal(program: Program, words: readonly string[], { root }: Pick<RunOptions, 'root'>): Running {
  const quoted = [process.execPath, PROGRAMS[program], ...words].map((word) => `'${word}'`).join(' ')
  return startLineInTerminal(`exec ${quoted}`, { cwd: repository, env: environment(root, { TERM: 'xterm' }) })
}

/** Starts a line of shell in a terminal, with this environment and no more. */
export function startLineInTerminal(line: string, { cwd, env }: Required<Pick<RunOptions, 'cwd' | 'env'>>): Running {
  return new Running(spawn('script', ['-qec', `stty cols 120 rows 40; ${line}`, '/dev/null'], { cwd, env }))
}

function environment(root: string, more: RunOptions['env']): Record<string, string> {
  const own = { PATH: process.env['PATH'] ?? '', HOME: root, COUNTERSIGN_HOME: root }
  return { ...own, NO_COLOR: '1', NODE_COMPILE_CACHE: compiled, ...more }
}

/** Runs a program to its end. */
export async function run(program: Program, words: readonly string[], options: RunOptions): Promise<Outcome> {
  const running = start(program, words, options)
  running.endInput(options.input)
  return running.ended
}

/** A program that is running; disposed of, it is killed. */
export class Running implements AsyncDisposable {
  readonly ended: Promise<Outcome>
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting: Set<() => void> = new Set()
  #over = false
  stdout = ''
  stderr = ''

  /** `start` makes those of this repository's programs. */
  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      this.#wake()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.#wake()
    })
    // It may end before it has read all that it was given.
    child.stdin.on('error', () => {})
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
    child.on('error', reject)
    child.on('close', (status, signal) => {
      this.#over = true
      this.#wake()
      resolve({ status, signal, stdout: this.stdout, stderr: this.stderr })
    })
    this.ended = promise
  }

  get over(): boolean {
    return this.#over
  }

  get pid(): number {
    return this.#child.pid!
  }

  write(input: string | Uint8Array): void {
    this.#child.stdin.write(input)
  }

  endInput(input: string | Uint8Array = ''): void {
    this.#child.stdin.end(input)
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Resolves once what the program has printed, on either stream, holds this. @throws Error where it ends before */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stdout) ?? pattern.exec(this.stderr)
      if (found) return found
      if (this.#over) throw new Error(`it ended without ${pattern}:\n${this.stdout}\n${this.stderr}`)
      await this.changed()
    }
  }

  /** Resolves once it has printed something more, or has ended. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve))
  }

  /** Asks it to stop, and waits until it has. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Outcome> {
    this.kill(signal)
    return this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) await this.stop('SIGKILL')
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
