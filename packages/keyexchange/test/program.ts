/** The real `keys` program, run as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { createHome, type CreateHomeOptions } from '../src/home/create.ts'
import { homePaths, resolveRoot, type Role } from '../src/home/layout.ts'

export const MAIN: string = join(import.meta.dirname, '../src/main.ts')

/** Whether the heavy forms of tests run, too: `pnpm test:full`. */
export const FULL: boolean = process.env['TEST_FULL'] !== undefined

/** Says what the quick form of a test file does not run. */
export function leftToFull(what: string): void {
  console.log(`left to TEST_FULL=1: ${what}`)
}

/** Only what a program needs: nothing of the machine's own homes or passphrases. */
export const ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  NO_COLOR: '1',
  // Programs that run from their sources start three times as fast.
  NODE_COMPILE_CACHE: join(import.meta.dirname, '../node_modules/.cache/compile'),
}

/** A folder that goes when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-keys-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A home made in this process, which is quicker than to run `keys init`; its root. */
export async function madeHome(role: Role, options: CreateHomeOptions): Promise<string> {
  const root = temporaryFolder()
  await createHome(homePaths(resolveRoot(root), role), options)
  return root
}

/** A file in a folder, readable by its owner alone. */
export function file(folder: string, name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content, { mode: 0o600 })
  chmodSync(path, 0o600)
  return path
}

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly stdin?: string
  readonly env?: NodeJS.ProcessEnv
  /** A program that runs ours, with its own words */
  readonly under?: readonly string[]
}

/**
 * Runs `keys` to its end: without TEST_FULL in this process, where nothing is said that only a process of its own has.
 */
export function keys(words: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const needsProcess = FULL || options.stdin !== undefined || options.under !== undefined
  return needsProcess ? new Running(words, options).exited : keysHere(words, options)
}

let runs = 0

/** The program itself, evaluated anew with these words, this environment, and its output caught. */
async function keysHere(words: readonly string[], { env = {} }: RunOptions): Promise<Outcome> {
  const { argv, env: environment, exitCode, stdout, stderr } = process
  const streams = [stdout, stderr] as const
  const writes = streams.map((stream) => stream.write)
  const said = ['', '']
  const listeners = stdout.listeners('error')
  try {
    process.argv = [process.execPath, MAIN, ...words]
    process.env = { ...ENVIRONMENT, ...env }
    process.exitCode = undefined
    for (const [i, stream] of streams.entries()) stream.write = (text: unknown) => ((said[i] += String(text)), true)
    await import(`${MAIN}?run=${(runs += 1)}`)
    const { exitCode: status = 0 } = process as { exitCode?: number }
    return { status, stdout: said[0]!, stderr: said[1]! }
  } finally {
    Object.assign(process, { argv, env: environment, exitCode })
    stdout.removeAllListeners('error')
    for (const listener of listeners) stdout.on('error', listener as () => void)
    for (const [i, stream] of streams.entries()) stream.write = writes[i]!
  }
}

/** Runs `keys`, which must succeed, and reads its JSON. */
export async function keysJson(words: readonly string[], options?: RunOptions): Promise<unknown> {
  const { status, stdout, stderr } = await keys([...words, '--json'], options)
  if (status !== 0) throw new Error(`keys ${words.join(' ')}: ${status} ${stderr}`)
  return JSON.parse(stdout)
}

/** A program that runs on, its output line by line. */
export class Running {
  readonly exited: Promise<Outcome>
  readonly #child: ChildProcess
  readonly #events: AsyncIterator<string>
  #stdout = ''
  #stderr = ''

  constructor(words: readonly string[], { stdin, env = {}, under = [] }: RunOptions = {}) {
    const [program, ...rest] = [...under, process.execPath, MAIN, ...words] as [string, ...string[]]
    const child = spawn(program, rest, { env: { ...ENVIRONMENT, ...env }, stdio: 'pipe' })
    this.#child = child
    child.stdin.end(stdin)
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text))
    this.#events = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    this.exited = new Promise((resolve) => {
      child.once('close', (status) => resolve({ status, stdout: this.#stdout, stderr: this.#stderr }))
    })
    onTestFinished(() => void child.kill('SIGKILL'))
  }

  get pid(): number {
    return this.#child.pid!
  }

  get stdout(): string {
    return this.#stdout
  }

  /** Resolves at the next output. */
  async output(): Promise<void> {
    await once(this.#child.stdout!, 'data')
  }

  /** The next line of standard output, as JSON. */
  async event(): Promise<unknown> {
    const { value, done } = await this.#events.next()
    if (done) throw new Error(`the program ended: ${JSON.stringify(await this.exited)}`)
    return JSON.parse(value)
  }

  interrupt(): void {
    this.#child.kill('SIGINT')
  }
}

export interface CodeEvent {
  readonly code: string
  readonly address: string
  readonly spent?: string
}

/** A listening swap on loopback, and the code that it shows first. */
export async function listening(
  root: string,
  ...words: string[]
): Promise<{ listener: Running; event: CodeEvent; port: number }> {
  const listener = new Running(['--root', root, 'swap', '--listen', '127.0.0.1:0', '--yes', '--json', ...words])
  const event = (await listener.event()) as CodeEvent
  return { listener, event, port: Number(event.address.split(':')[1]) }
}

/** Dials a listening swap with a code, to its end. */
export function dialing(
  root: string,
  port: number,
  code: string,
  words: readonly string[] = [],
  options: RunOptions = {},
): Running {
  const swap = ['--root', root, 'swap', '--connect', `127.0.0.1:${port}`, '--yes', '--code-file', '-', '--json']
  return new Running([...swap, ...words], { ...options, stdin: `${code}\n` })
}

/** The names of the files of a folder. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder).toSorted()
}

/** The mode of a file, as `ls` would say it in octal. */
export function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8)
}

export function contentOf(...path: string[]): string {
  return readFileSync(join(...path), 'utf8')
}
