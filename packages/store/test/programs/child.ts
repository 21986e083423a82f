/** One of the two programs, as a process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Report } from './orders.ts'

/** What Node made of the sources the last time. */
const COMPILED = join(import.meta.dirname, '../../../../node_modules/.cache/compile')

export interface ChildOptions {
  /** A program that runs ours, with its own words. */
  readonly under?: readonly string[]
  /** Node's own options. */
  readonly node?: readonly string[]
  /** Modules that are loaded first. */
  readonly preload?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly onReport?: (report: Report) => void
}

type Named<E extends Report['event']> = Extract<Report, { readonly event: E }>

export class Child {
  readonly reports: Report[] = []
  /** How it ended: its status, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>
  readonly #child: ChildProcess
  readonly #taken = new Map<string, number>()
  #stderr = ''
  #over = false
  #news = Promise.withResolvers<void>()

  constructor(program: string, orders: object, { under = [], node = [], preload = [], env = {}, onReport }: ChildOptions = {}) {
    const loads = preload.flatMap((module) => ['--import', module])
    const words = [...under, process.execPath, ...node, ...loads, join(import.meta.dirname, program), JSON.stringify(orders)]
    const child = spawn(words[0]!, words.slice(1), {
      // Only what a program needs. strace sees every fsync as a call of its own.
      env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: COMPILED, UV_USE_IO_URING: '0', ...env },
      stdio: 'pipe',
    })
    this.#child = child
    child.stdin.on('error', () => {})
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => {
      const report = JSON.parse(line) as Report
      this.reports.push(report)
      onReport?.(report)
      this.#wake()
    })
    // The lines come to their end after the process may have.
    const read = new Promise<void>((resolve) => lines.on('close', resolve))
    this.exited = new Promise((resolve) => {
      child.once('exit', (status, signal) => {
        void read.then(() => {
          this.#over = true
          this.#wake()
          resolve(status ?? signal!)
        })
      })
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  get running(): boolean {
    return !this.#over
  }

  /** The most memory that it has had since `forgetPeak`, in bytes. Linux alone tells. */
  get peak(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) * 1024
  }

  /** `peak` begins anew: how much a start takes differs by more than what most work does. */
  forgetPeak(): void {
    writeFileSync(`/proc/${this.pid}/clear_refs`, '5')
  }

  /** The next report of this name that was not asked for yet. @throws Error where the program ends before */
  async next<E extends Report['event']>(event: E): Promise<Named<E>> {
    for (;;) {
      const from = this.#taken.get(event) ?? 0
      const at = this.reports.findIndex((report, i) => i >= from && report.event === event)
      if (at >= 0) {
        this.#taken.set(event, at + 1)
        return this.reports[at] as Named<E>
      }
      if (this.#over) throw new Error(`it ended (${await this.exited}) without "${event}": ${this.#stderr}`)
      await this.#news.promise
    }
  }

  /** All reports of this name so far. */
  all<E extends Report['event']>(event: E): Named<E>[] {
    return this.reports.filter((report): report is Named<E> => report.event === event)
  }

  order(command: object): void {
    this.#child.stdin!.write(`${JSON.stringify(command)}\n`)
  }

  /** Lets it end by itself. @throws Error unless it does so in order */
  async end(): Promise<Named<'ended'>> {
    this.#child.stdin!.end()
    return this.next('ended')
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends it as a power switch would. */
  kill(): Promise<number | NodeJS.Signals> {
    this.signal('SIGKILL')
    return this.exited
  }

  #wake(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers()
  }
}
