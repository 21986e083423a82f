/** A page's blocks, run in their order on machines of their own: what they print has to be what the page shows. */
import { type Running, Sandbox } from '@countersign/testing'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Block, Step } from './blocks.ts'
import { type Bindings, compare, screen, translated } from './compare.ts'
import { installPrograms, Machine } from './machine.ts'

/** A command may take this long, in milliseconds: the machine may be busy. The limit only ends what hangs. */
const LIMIT = 30_000
/** What does not end within this time, in milliseconds, was meant to go on. */
const GRACE = 1000

/** A command on its way. */
interface Run {
  readonly step: Step
  readonly machine: Machine
  readonly running: Running
  /** Lines that the page has shown already */
  covered: number
  /** What was typed, at which prompt */
  readonly typed: Map<string, string>
}

/** @throws Error that names the line of the first command that does anything else than the page says */
export async function runStory(path: string, blocks: readonly Block[]): Promise<void> {
  await using sandbox = new Sandbox()
  await using story = new Story(path, sandbox.folder)
  for (const { steps } of blocks) {
    const here = new Map<string, Run>()
    for (const [i, step] of steps.entries()) {
      const before = here.get(step.machine)
      if (before) await story.end(before)
      here.set(step.machine, await story.take(step, steps[i + 1]?.machine === step.machine))
    }
  }
  await story.stop()
}

class Story implements AsyncDisposable {
  readonly #path: string
  readonly #folder: string
  readonly #machines = new Map<string, Machine>()
  readonly #runs: Run[] = []
  #bindings: Bindings = new Map()

  constructor(path: string, folder: string) {
    this.#path = path
    this.#folder = folder
    installPrograms(join(folder, 'bin'))
  }

  /** Runs a command until it has printed what is shown: to its end where nothing of that is said, or where `whole` says that this is all. */
  async take(step: Step, whole: boolean): Promise<Run> {
    const run = step.command === undefined ? this.#earlier(step) : this.#start(step)
    const silent = step.shown.every((line) => line.trim() === '…')
    for (const limit = Date.now() + LIMIT; ;) {
      const { over } = run.running
      const lines = this.#linesOf(run)
      const found = compare(step.shown, lines, this.#bindings, over && !silent)
      if (found && (over || !(silent || whole))) {
        run.covered += found.lines
        this.#bindings = found.bindings
        if (over) await this.end(run)
        return run
      }
      if (over) throw this.#fault(step, 'it printed', lines)
      this.#answer(run)
      if (Date.now() > limit) throw this.#fault(step, silent ? 'it does not end; so far it printed' : 'so far it printed', lines)
      await Promise.race([run.running.changed(), setTimeout(1000, undefined, { ref: false })])
    }
  }

  /** Waits for a command to end as the page says: well, or with an error where it shows one. */
  async end({ step, machine, running }: Run, allowed: readonly (number | null)[] = []): Promise<void> {
    const limit = setTimeout(LIMIT, undefined, { ref: false }).then(() => {
      throw this.#fault(step, 'it does not end; so far it printed', machine.asShown(screen(running.stdout)))
    })
    const { status, stdout } = await Promise.race([running.ended, limit])
    const fails = step.shown.some((line) => line.startsWith('error:'))
    if (allowed.includes(status) || (status !== 0) === fails) return
    throw this.#fault(step, `it ended with status ${status} and printed`, machine.asShown(screen(stdout)))
  }

  /** Waits a moment for what ends by itself, which has to have printed no more than is shown, and presses Ctrl-C everywhere else. */
  async stop(): Promise<void> {
    const all = Promise.all(this.#runs.map(({ running }) => running.ended))
    await Promise.race([all, setTimeout(GRACE, undefined, { ref: false })])
    for (const run of this.#runs) {
      const { step, running } = run
      const interrupted = !running.over
      if (interrupted) running.write('\u0003')
      await this.end(run, interrupted ? [0, 130] : [])
      const more = this.#linesOf(run)
      const hidden = interrupted || step.shown.length === 0 || step.shown.at(-1) === '…'
      if (!hidden && more.length > 0) throw this.#fault(step, 'it also printed', more)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { running } of this.#runs) {
      running.write('\u0003')
      await running[Symbol.asyncDispose]()
    }
  }

  #start(step: Step): Run {
    const known = this.#machines.get(step.machine)
    const machine = known ?? new Machine(join(this.#folder, step.machine || 'machine'), join(this.#folder, 'bin'))
    this.#machines.set(step.machine, machine)
    const run = { step, machine, running: machine.start(translated(step.command!, this.#bindings)), covered: 0, typed: new Map() }
    this.#runs.push(run)
    return run
  }

  #earlier(step: Step): Run {
    const run = this.#runs.findLast(
      ({ step: { machine, command } }) => machine === step.machine || command!.startsWith(step.machine),
    )
    if (!run) throw new Error(`${this.#path}:${step.line}: there was no ${step.machine} that could go on`)
    return run
  }

  /** What it printed and the page has not shown yet; without the terminal's own echo of what was typed too early. */
  #linesOf({ machine, running, covered, typed }: Run): string[] {
    const lines = machine.asShown(screen(running.stdout)).filter((line) => ![...typed.values()].includes(line))
    if (lines.at(-1) === '') lines.pop()
    return lines.slice(covered)
  }

  /** Where it asks, and the page shows what is typed, types that. */
  #answer(run: Run): void {
    const open = screen(run.running.stdout).at(-1)!
    if (!/[:?] $/.test(open)) return
    const line = run.step.shown.find((line) => line.startsWith(open) && line !== open)
    if (line === undefined || run.typed.has(open)) return
    const answer = translated(line.slice(open.length), this.#bindings)
    run.typed.set(open, answer)
    run.running.write(`${answer}\n`)
  }

  #fault({ line, command, shown }: Step, what: string, lines: readonly string[]): Error {
    const quoted = (text: readonly string[]): string => text.map((one) => `    ${one}\n`).join('')
    const expected = shown.length > 0 ? `  the page shows\n${quoted(shown)}` : ''
    return new Error(`${this.#path}:${line}: ${command ?? 'it goes on'}\n${expected}  ${what}\n${quoted(lines)}`)
  }
}
